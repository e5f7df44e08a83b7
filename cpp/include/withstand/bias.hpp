// SPDX-License-Identifier: MIT
#pragma once

#include <mutex>
#include <utility>

#include "withstand/types.hpp"

namespace withstand {

/// The biases of a layer as they are stored: one of every neuron, or of every channel, or a single one for all.
struct Bias {
  Vector values;
  Index each = 1;  ///< neighbours that share one; behind the last value the first one comes again
  Index size = 0;  ///< neurons

  Bias() = default;
  Bias(Vector of_neurons) : values(std::move(of_neurons)), size(values.size()) {}  // NOLINT: biases are a vector
  /// Throws std::invalid_argument where no value comes out even.
  Bias(Vector values, Index each, Index size);
  double operator()(Index neuron) const { return values(neuron / each % values.size()); }
};

/// The same with the zeros of wires behind them, laid out when they are first asked for.
class Biases {
 public:
  Biases(Bias own, Index width) : own_(std::move(own)), width_(width) {}
  const Bias& own() const { return own_; }
  Index width() const { return width_; }
  const Vector& all() const { return own_.values.size() == width_ ? own_.values : laid_out(); }

 private:
  const Vector& laid_out() const;

  Bias own_;
  Index width_;
  mutable std::once_flag once_;
  mutable Vector all_;
};

}  // namespace withstand
