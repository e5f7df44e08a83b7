// SPDX-License-Identifier: MIT
#pragma once

#include "curve.hpp"

namespace withstand::enumerate {

/// The largest harm over the outputs, by how far what one neuron sends has moved (below 0: down): a piecewise-linear
/// function, the upper envelope of the lines that the outputs run along between two knots.
class HarmCurve {
 public:
  HarmCurve() = default;
  /// Errors against the reference; or, where `decision` is an output, the others' leads over it.
  HarmCurve(const Curve& down, const Curve& up, const Vector& reference, Index decision);

  /// harm[i] at moved[i], i < n; returns the largest. Both have room for a vector more.
  double look_up(Index n, const double* moved, double* harm) const;
  double bytes() const { return 8.0 * static_cast<double>(numbers_.size()); }

 private:
  std::size_t size_ = 0;         // of each of the four, a power of two
  std::vector<double> numbers_;  // of pieces: where they begin (below 0: where they end), a place on them, harm there, slope
};

}  // namespace withstand::enumerate
