// SPDX-License-Identifier: MIT
#include "search/adapters/dead_weights.hpp"

#include <algorithm>
#include <cmath>

#include "search/adapters/parameters.hpp"
#include "search/tree.hpp"

namespace withstand::search {
namespace {

constexpr double patience = 200'000;         // evaluations for one input,
constexpr double work = 1e9;                 // of so many multiply-adds together: some tenths of a second
constexpr double nearly = 0.25;              // of what is known: then going on has paid

std::optional<Space> weights_of(const Network& net, const Space& space) {
  if (!net.is_dense() || net.is_graph() || space.terms().size() != 1) return std::nullopt;
  Failure failure = space.terms().front().failure;
  if (failure.effect != Effect::synapse_crash || !failure.total) return std::nullopt;
  failure.effect = Effect::weight_crash;
  if (failure.among)
    for (Site& site : *failure.among) site.from += Site::parameters;
  return Space(net, {std::move(failure)});
}

}  // namespace

std::optional<DeadWeightsProved> by_dead_weights(const Network& net, const Space& space, const Domain& domain,
                                                 const SearchOptions& options, double ceiling, Points& points, Budget& budget,
                                                 Incumbent& incumbent) {
  if (budget.limited()) return std::nullopt;
  const std::optional<Space> weights = weights_of(net, space);
  if (!weights) return std::nullopt;
  DeadWeightsProved proved;
  ParameterSearch search;
  search.patience = static_cast<std::uint64_t>(std::min(patience, work / net.cost()));
  search.synapses = true;
  search.evaluated = [&](Index n) {
    const BranchBound::Row row = points.prepare(static_cast<std::size_t>(n));
    if (row.problem.precise != nullptr) proved.error = std::max(proved.error, row.problem.precise->error());
    proved.scale = std::max(proved.scale, row.scale);
    return Evaluated{row.noise, row.problem.precise, 4 * row.problem.reach->noise[static_cast<std::size_t>(net.layers())].maxCoeff()};
  };
  const auto look = [&] { return by_parameters(net, *weights, domain, options, search, ceiling, budget, incumbent); };
  std::optional<SearchResult> known = look();
  const auto within = [&](double room) { return known->upper - known->lower <= room; };
  if (known && known->status == SearchStatus::gap && !within(options.gap * std::abs(known->upper)) && within(nearly * known->upper)) {
    search.patience = Budget::unlimited;
    ceiling = known->upper;
    known = look();
  }
  if (!known) return std::nullopt;
  const double harm = incumbent.harm();
  const bool exact = known->status == SearchStatus::exact;
  if (exact && options.gap == 0) {  // what was left out does less; what might do more was offered
    proved.upper = std::max(incumbent.above(), harm + tie(harm, proved.scale));
  } else {  // it may have ended before that
    proved.upper = known->upper;
    proved.error = std::max(proved.error, known->rounding);
  }
  proved.closed = exact || budget.stopped() || within(options.gap * std::abs(known->upper));
  proved.evaluations = known->evaluations;
  return proved;
}

}  // namespace withstand::search
