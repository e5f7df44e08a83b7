// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "core/budget.hpp"
#include "search/opinions.hpp"
#include "withstand/domain.hpp"
#include "withstand/harm.hpp"
#include "withstand/space.hpp"

// The bound methods as a search hears them: the only place where it meets the methods that need no decisions.
namespace withstand::search {

/// Keeps references to all of them.
std::unique_ptr<Opinions> bound_opinions(const Network& network, const Space& space, const Domain& domain, Goal goal,
                                         int threads, Budget& budget);

/// An upper bound of the harm at any input of the domain, in some passes over the weights whatever the domain.
double first_opinion(const Network& network, const Space& space, const Domain& domain, Goal goal);

/// The least that any method says of the harm at any input of the domain, whatever it costs. Interruptible.
double last_opinion(const Network& network, const Space& space, const Domain& domain, Goal goal, int threads);

}  // namespace withstand::search
