// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "search/layered/layered.hpp"

namespace withstand::search {

/// At most what a failure adds to the harm of a state, from the signals of that state alone.
///
/// Let S be what has failed, T neurons of the same layer or later ones that fail too. Let them fail one by one, the last layer
/// first: what neuron i transmits when its turn comes is what it transmits in S. Its change d then reaches objective o with a
/// factor between the products of all slopes, or 0 where something has failed, so that
///
///     harm(S + T) <= harm(S) + sum over i in T of max over o of max(low(o, i) d, high(o, i) d).
///
/// The factors are those of every execution that the failure space allows ("adjoint" in the theory of bounds).
class Potential {
 public:
  /// Only where `holds`: a harm by objectives, neurons that fail, maps that are laid out. Cost: two passes over the weights
  /// for every objective.
  explicit Potential(const Layered::Problem& problem);
  static bool holds(const Layered::Problem& problem, const Choices& choices);
  static double cost(const Layered::Problem& problem);

  /// Of each neuron of a layer, padded to whole vectors: the harm that a change up or down does at most, per unit, for
  /// the worst objective; and what rounding the change adds to that. Rounded up.
  struct Layer {
    LineDoubles rise, fall, rounding;
    double rounded = 0;  ///< of all neurons together
  };
  /// Whether nothing overflowed: else nothing is known.
  bool finite() const;
  const Layer& layer(Index l) const { return layers_[static_cast<std::size_t>(l)]; }

 private:
  std::vector<Layer> layers_;  ///< 0..L
};

}  // namespace withstand::search
