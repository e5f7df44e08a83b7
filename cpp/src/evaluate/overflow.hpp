// SPDX-License-Identifier: MIT
#pragma once

#include "withstand/domain.hpp"
#include "withstand/space.hpp"

namespace withstand {

/// No value of any execution may exceed this. What is left of the range of doubles is room for what engines add to
/// values: differences of two executions, sums in another order, bounds on rounding.
constexpr double largest_value = 1e300;

/// Throws std::overflow_error, with the layer and the magnitudes, where some execution that the space allows, at some
/// input of the domain, might compute a value beyond `largest_value` in absolute value. Magnitudes are propagated layer
/// by layer, without regard to signs or to how many components fail together, so that it refuses too early rather than
/// too late: where it returns, every sum of products of every execution stays finite, in any order of its terms.
void require_no_overflow(const Network& network, const Space& space, const Domain& domain);

}  // namespace withstand
