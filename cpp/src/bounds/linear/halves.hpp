// SPDX-License-Identifier: MIT
#pragma once

#include "bounds/linear/lagrangian.hpp"

namespace withstand::bounds::linear {

/// Both halves of the range of a pre-activation, in one of the executions, where the bound of a row loses most: where the
/// mixture of corners is farthest above what the activation does; where none is, the deepest kink by its coefficient.
/// Empty: no activation bends.
std::vector<Restriction::Piece> halves(const Network& network, const Restriction& restriction, const DecidedState& state,
                                       const Multiplied& row);

}  // namespace withstand::bounds::linear
