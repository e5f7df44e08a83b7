// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/space.hpp"

namespace withstand {

/// A failure space with some components decided: the rest may still fail, within what is left of the counts. Every
/// decision gives a failure space again, so the bound of a restriction is the relaxation of a branch and bound.
struct Restriction {
  /// A component that fails by this term of the space, and what is known of what it sends: the transmitted value, or
  /// for the effects that add something (deviation, synapse_product, synapse_signal) what is added. Inside a synapse
  /// the value is the product's.
  struct Failed {
    Site site;
    std::size_t term = 0;
    double lower = 0;
    double upper = 0;
  };
  /// The faulty (or the intact) pre-activation of a receiver (layers 1..L) lies in [lower, upper]: a linear piece, decided.
  struct Piece {
    Index layer = 0;
    Index neuron = 0;
    double lower = 0;
    double upper = 0;
    bool intact = false;
  };

  std::vector<Failed> failed;
  std::vector<Site> alive;                ///< these components do not fail, by no term
  std::vector<std::vector<Index>> left;   ///< [term]: failures that may still be decided, laid out as Failure::counts
  std::vector<Piece> pieces;

  /// Nothing is decided.
  explicit Restriction(const Space& space);

  /// Decide that a component fails: appends to `failed` with everything the effect allows, and takes one from `left`.
  /// Throws std::invalid_argument when the count is used up.
  void fail(const Space& space, const Site& site, std::size_t term = 0);

  /// What is left of the count that a component in `layer` (0..L+1) draws on.
  Index remaining(const Space& space, std::size_t term, Index layer) const;
};

/// Throws std::invalid_argument unless every decision names a component of the space, once, and no count is negative.
void check(const Restriction& restriction, const Space& space);

}  // namespace withstand
