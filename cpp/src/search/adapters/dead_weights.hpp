// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

#include "core/budget.hpp"
#include "search/incumbent.hpp"
#include "search/points.hpp"
#include "withstand/search.hpp"

namespace withstand::search {

/// What is known of dead synapses by way of the weights that they carry.
struct DeadWeightsProved {
  bool closed = false;            ///< no tree is needed: the interval is as narrow as asked for, or the budget has ended
  double upper = 0;               ///< in real arithmetic no set does more
  double error = 0, scale = 0;    ///< of precise evaluations; of what outputs sum up: the largest of all inputs
  std::uint64_t evaluations = 0;
};

/// A dead synapse of a chain of matrices is a weight that becomes 0: the worst ones at given inputs, which are offered to
/// the incumbent. With some patience first, and to the end where what is known then is nearly closed. Nothing for other
/// spaces, and where nodes are counted.
std::optional<DeadWeightsProved> by_dead_weights(const Network& network, const Space& space, const Domain& domain,
                                                 const SearchOptions& options, double ceiling, Points& points, Budget& budget,
                                                 Incumbent& incumbent);

}  // namespace withstand::search
