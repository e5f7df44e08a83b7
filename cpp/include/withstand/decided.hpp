// SPDX-License-Identifier: MIT
#pragma once

// The bound of restrictions all of whose failures are decided, over a box, where activations bend at 0 alone. For any
// multipliers α, β of what the neurons of both executions receive (Lagrangian duality),
//
//   max F̂ - F  <=  sum over layers of β b  +  sum over neurons of max [a δ + b y - α η - β s]  +  the same of inputs,
//
// where a = Wᵀα and b = Wᵀβ are what the layer behind hands down, η = ŝ - s, δ = ŷ - y, and each maximum is over all that
// the neuron can do in both executions: the corners of a polygon. Multipliers start as what lines say, and Newton steps
// improve them. Decided pieces of activations cut polygons, so that multipliers of a whole hold for its parts.

#include <memory>
#include <vector>

#include "withstand/linear.hpp"

namespace withstand {

/// What was proved of a restriction, for those that it is split into.
struct DecidedState {
  std::vector<LayerRange> intact, deviation, faulty;  ///< pre-activations of layers 1..L (entry 0 is empty)
  std::vector<Vector> alpha, beta;                    ///< multipliers of layers 1..L, of the one row; empty: none yet
};

struct DecidedResult {
  Vector bounds;  ///< per row; -infinity: no input is left
  DecidedState state;
  std::vector<Restriction::Piece> pieces;  ///< both halves of a neuron's range, where the bound loses most; or empty
  Vector input;                            ///< an input where the row is large; or empty
};

class DecidedBound {
 public:
  /// Whether every failure makes its component send a value, or add one, and the network is small and as above.
  static bool applies(const Network& network, const Space& space);

  /// Over the box, and for the space, that `prepared` is for: it shares their ranges.
  explicit DecidedBound(const LinearBound& prepared);

  /// Whether nothing is left that may fail, or not.
  bool decided(const Restriction& restriction) const;

  /// Rows c of c (F̂ - F), or with `values` of c F̂, from ranges proved for a restriction that allows at least as much.
  DecidedResult first(const Restriction& restriction, const ConstMatrixRef& rows, bool values,
                      const LinearRanges* known) const;
  /// One row, of what `before` was proved of or of a part. A bound that is at most `enough` is good enough.
  DecidedResult next(const Restriction& restriction, const Vector& row, bool values, const DecidedState& before,
                     double enough) const;

 private:
  std::shared_ptr<const LinearBound::Prepared> prepared_;
};

}  // namespace withstand
