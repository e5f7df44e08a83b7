// SPDX-License-Identifier: MIT
#pragma once

#include "enumerate/grid.hpp"
#include "withstand/forward.hpp"

namespace withstand::enumerate {

/// Per input, a bound on the rounding of an output in any configuration, for maps of few weights: with what reaches the
/// outputs of a rounding in each place, not with the largest magnitudes of a layer, which grow beyond all use where layers
/// are many (docs/theory.md 14.4).
Vector rounding_by_gains(const Network& network, const Grid& grid, const std::vector<Trace>& nominal);

}  // namespace withstand::enumerate
