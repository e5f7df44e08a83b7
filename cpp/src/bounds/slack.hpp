// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "evaluate/ranges.hpp"
#include "withstand/space.hpp"

namespace withstand::bounds {

/// Bounds speak of real arithmetic. Two executions in floating point, one intact and one failed, may differ by this much
/// more: the reduced-precision recursion of docs/theory.md with the evaluation's own rounding as the error of a neuron.
/// `layers` bounds the fault-free values of layers 0..L; `from_domain` tells whether they depend on an execution.
double evaluation_slack(const Network& network, const Space& space, const std::vector<Interval>& layers,
                        bool from_domain);

}  // namespace withstand::bounds
