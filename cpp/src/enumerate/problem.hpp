// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "enumerate/grid.hpp"
#include "withstand/enumerate.hpp"
#include "withstand/forward.hpp"

namespace withstand::enumerate {

/// What all workers share, read-only.
struct Problem {
  Network network;
  Grid grid;
  Matrix inputs;
  Question question;
  std::vector<Trace> nominal;      ///< canonical, per input
  std::vector<Index> decision;     ///< the intact network's class, per input
  Vector slack;                    ///< |fast error - canonical error| of any configuration, per input
  double largest_slack = 0;
  bool canonical = false;          ///< words decide what is sent, or make numbers of any size: every evaluation is canonical

  std::vector<bool> still;         ///< outputs that no configuration moves: their error is 0

  Index outputs() const { return network.outputs(); }
};

/// The canonical harm of each output: |faulty - nominal|, or output j - output c (-infinity for j = c).
Vector harms(const Problem& problem, Index input, const Vector& outputs);

/// Of every output, whether no failed component is heard by it, however far in front.
std::vector<bool> still_outputs(const Network& network, const Space& space);

/// Per input, a bound on the rounding of an output in any configuration, however its operations are ordered. The standard
/// model of floating-point arithmetic, layer by layer: a sum of n products errs by at most n u times the sum of
/// magnitudes, an activation multiplies what it is given by its Lipschitz constant. Throws std::overflow_error, with the
/// layer, where squares of errors may leave the range of doubles.
Vector rounding_bounds(const Network& network, const Grid& grid, const Matrix& inputs);

}  // namespace withstand::enumerate
