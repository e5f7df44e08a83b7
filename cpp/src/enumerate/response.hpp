// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/network.hpp"

namespace withstand {

/// A piecewise-linear network around one input, every neuron held on the linear piece it is on there.
///
/// As long as receivers keep their piece, a change of what neuron i of layer l transmits moves every later layer by a
/// fixed column, its response. A receiver that leaves its piece transmits a correction on top of it, a sum of at most
/// two hinges coefficient * max(0, sign * (s - at)); the correction acts like one more failed neuron, with the
/// response of that receiver. So a configuration costs the columns of its failures and of the few receivers that
/// change piece, not a product with every matrix. (The nominal-piece-plus-correction form.)
class Response {
 public:
  struct Hinge {
    double coefficient = 0;
    double sign = 1;
    double at = 0;
  };

  /// Layers from `lowest` on; `pre` holds the nominal pre-activations of layers 1, ..., L+1 (pre[0] unused).
  Response(const Network& net, const std::vector<Vector>& pre, Index lowest);

  static constexpr Index padding = 8;  ///< columns behind the last receiver, so that whole vectors can be read

  /// Row i: change of the pre-activations of layers l+1, ..., L+1, one after the other, per unit of neuron i's signal.
  const Matrix& of(Index layer) const { return responses_[static_cast<std::size_t>(layer)]; }
  /// Where layer t begins in a row of `of(l)`.
  Index offset(Index l, Index t) const {
    return starts_[static_cast<std::size_t>(t)] - starts_[static_cast<std::size_t>(l + 1)];
  }
  const Vector& slope(Index layer) const { return slope_[static_cast<std::size_t>(layer)]; }
  const Vector& intercept(Index layer) const { return intercept_[static_cast<std::size_t>(layer)]; }
  /// Ends of the nominal piece of each neuron of a layer, padded.
  const Vector& low(Index layer) const { return low_[static_cast<std::size_t>(layer)]; }
  const Vector& high(Index layer) const { return high_[static_cast<std::size_t>(layer)]; }
  /// Two hinges per neuron.
  const std::vector<Hinge>& hinges(Index layer) const { return hinges_[static_cast<std::size_t>(layer)]; }
  /// The network's nominal pre-activations of layers l+1, ..., L+1, one after the other.
  Vector nominal(Index layer) const { return nominal_.segment(starts_[static_cast<std::size_t>(layer + 1)], columns(layer)); }

  static bool applies(const Network& net, Index from);  ///< layers `from`, ..., L are piecewise linear, outputs plain
  static double cost(const Network& net, Index lowest);  ///< products to build one
  static double bytes(const Network& net, Index lowest);

 private:
  /// Receivers behind a layer, padded to whole vectors with at least one to spare.
  Index columns(Index layer) const {
    return (starts_.back() - starts_[static_cast<std::size_t>(layer + 1)]) / padding * padding + 2 * padding;
  }
  void describe_layer(const Network& net, Index layer, const Vector& pre);

  std::vector<Index> starts_;  // of each layer in the concatenation of layers 1, ..., L+1
  std::vector<Matrix> responses_;
  std::vector<Vector> slope_, intercept_, low_, high_;
  std::vector<std::vector<Hinge>> hinges_;
  Vector nominal_;
};

}  // namespace withstand
