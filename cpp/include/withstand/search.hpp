// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "withstand/domain.hpp"
#include "withstand/forward.hpp"
#include "withstand/harm.hpp"
#include "withstand/parallel.hpp"
#include "withstand/space.hpp"

namespace withstand {

namespace search {
class Recorder;
struct Frontier;
}

/// A concrete execution that does harm: what failed, at which input, where, how much.
struct Witness {
  std::vector<Forced> failed;  ///< sorted by site
  Vector input;
  Index input_index = 0;
  Index output = 0;
  double harm = 0;  ///< of the canonical evaluation
  std::vector<Failed> ways{};  ///< how each component fails, where components are more than neurons and synapses
};

struct SearchOptions {
  Goal goal = Goal::error;
  double gap = 0;                                  ///< stop when (upper - lower) <= gap * |upper|
  double time_limit = std::numeric_limits<double>::infinity();  ///< seconds
  std::uint64_t node_limit = std::numeric_limits<std::uint64_t>::max();    ///< deterministic: one thread works while it is set
  int threads = 0;                                 ///< 0: default_threads()
  /// Share of the cost of enumerating everything that bounding may take before enumeration takes over, where the first
  /// bounds are promising; 0: only enumerate, infinite: only bound.
  double bounding = 0.3;
  /// A harm that is witnessed elsewhere: only more is looked for, and without a witness of it `lower` is this floor.
  double floor = -std::numeric_limits<double>::infinity();
};

/// Why a search ended: the interval closed; it is as narrow as `SearchOptions::gap` asks for, or as splitting makes it; a limit
/// was reached; the watch ended it. Over a box, and where failed components may send any value of an interval, nothing
/// closes to the last bit: a search with a gap of 0 that goes on to its end has status `gap`, with ends within one
/// millionth of the upper one. Noise beside parts (bits, parameters, groups) is not searched: the
/// interval ends at what bounds say, with status `gap` and no nodes.
enum class SearchStatus { exact, gap, budget, interrupted };

/// lower <= truth <= upper, with the witness that attains `lower`.
struct SearchResult {
  SearchStatus status = SearchStatus::exact;
  double lower = 0;
  double upper = 0;
  double rounding = 0;  ///< `exact` says that upper - lower is at most this: what evaluations round, and what is a tie
  std::optional<Witness> witness;  ///< absent when stopped before the first evaluation, or where nothing reaches the floor
  std::uint64_t nodes = 0;
  std::uint64_t evaluations = 0;
};

/// The worst that the failures of a space can do on a domain.
SearchResult worst_case(const Network& network, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch = {});
/// The same; `recorder` is told the leaves of the tree, of finite spaces at given inputs.
SearchResult worst_case(const Network& network, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch, search::Recorder& recorder);
/// The same of a part of the space, and only as far as a grain of work; see search/frontier.hpp.
SearchResult worst_case(const Network& network, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch, search::Frontier& frontier);

}  // namespace withstand
