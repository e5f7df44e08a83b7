// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <optional>

#include "core/budget.hpp"
#include "search/incumbent.hpp"
#include "withstand/search.hpp"

namespace withstand::search {

/// How sets are evaluated at an input.
struct Evaluated {
  double noise = 0;                  ///< how far evaluations of one set can be apart
  const Precise* precise = nullptr;  ///< as `Incumbent` takes it; then
  double known = 0;                  ///< is how near to each other gains of the outputs' failures are that rounding confuses
};

/// How a search through failed parameters goes about it.
struct ParameterSearch {
  std::function<Evaluated(Index)> evaluated;           ///< of an input
  std::uint64_t patience = Budget::unlimited;  ///< after about so many evaluations an input is left open, and all that follow
  bool synapses = false;                       ///< they are dead weights, and witnesses dead synapses
};

/// The worst case of failed parameters of a chain of matrices at given inputs, which are tried layer by layer: those of the
/// outputs are selected, exactly; those before are tried in the order of what each can do at most, whatever else fails, and
/// given up as soon as what is left of them cannot do more than what is known. Nothing for other spaces.
std::optional<SearchResult> by_parameters(const Network& network, const Space& space, const Domain& domain,
                                          const SearchOptions& options, const ParameterSearch& search, double ceiling,
                                          Budget& budget, Incumbent& incumbent);

/// The same for any space of parameters, with the noise of a bound by capacities and a witness of its own.
std::optional<SearchResult> by_parameters(const Network& network, const Space& space, const Domain& domain,
                                          const SearchOptions& options, double ceiling, Budget& budget);

}  // namespace withstand::search
