// SPDX-License-Identifier: MIT
#include "search/adapters/parameters.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/rounding.hpp"
#include "failure/effects.hpp"
#include "search/adapters/flips_at.hpp"
#include "withstand/bound.hpp"
#include "withstand/failed.hpp"

namespace withstand::search {
namespace {

bool applies(const Network& net, const Space& space, const Domain& domain) {
  if (!net.is_dense() || net.is_graph() || space.terms().size() != 1 || !space.at_most()) return false;
  const Space::Term& term = space.terms().front();
  if (!on_parameters(term.failure.effect) || !term.failure.total) return false;
  for (Index n = 0; n < domain.size(); ++n)
    if (!domain.is_point(n)) return false;
  for (const Space::Term::Struck& struck : term.struck)
    if (struck.infinite) return false;
  return Influence::applies(net, space);
}

/// One input: coarse questions first, each answer is a bound; whatever does more than half-way up is looked for first.
/// Returns whether nothing was left open, of which no set does more than `upper`.
bool close_input(FlipsAt& input, const Incumbent& incumbent, const SearchOptions& options, double& upper) {
  input.select_outputs();
  const double noise = 2 * input.noise();
  bool on = true;
  for (double share = 0.5; on; share = share > 0.01 ? 0.5 * share : 0) {
    const double level = std::max(incumbent.harm(), incumbent.harm() + share * (upper - incumbent.harm()));
    on = input.none_above(level);
    if (on) upper = std::min(upper, std::max(level, incumbent.harm()) + noise);
    upper = std::min(upper, input.known() + noise);
    if (share == 0 || upper - incumbent.harm() <= options.gap * std::abs(upper)) break;
  }
  return on;
}

/// Whether a witness is of these failures.
bool is_of(const Witness& witness, const Network& net, const Space& space, const Vector& input, const std::vector<Failed>& found) {
  const std::vector<Forced> forced = forced_by(net, space, input, found);
  const auto same = [](const Forced& a, const Forced& b) { return a.site == b.site && a.value == b.value; };
  return witness.failed.size() == forced.size() && std::equal(forced.begin(), forced.end(), witness.failed.begin(), same);
}

}  // namespace

std::optional<SearchResult> by_parameters(const Network& net, const Space& space, const Domain& domain,
                                          const SearchOptions& options, const ParameterSearch& search, double ceiling,
                                          Budget& budget, Incumbent& incumbent) {
  if (!applies(net, space, domain)) return std::nullopt;
  SearchResult result;
  result.upper = -std::numeric_limits<double>::infinity();
  std::vector<Failed> ways;
  double noise = 0;
  bool on = true;
  std::vector<Space> fewer;
  std::vector<Failure> failures{space.terms().front().failure};
  for (Index count = failures.front().counts.front(), few = 0; few <= count; ++few) {
    failures.front().counts = {few};
    fewer.emplace_back(net, failures);
  }
  for (Index n = 0; on && n < domain.size(); ++n) {  // what one keeps may take megabytes
    FlipsAt input(net, fewer, domain, n, options, search, budget, incumbent);
    if (!input.usable()) return std::nullopt;
    noise = std::max(noise, input.noise());
    double upper = ceiling;
    try {
      on = close_input(input, incumbent, options, upper);
    } catch (const Interrupted&) {  // what is known stays true
      on = false;
    }
    result.upper = std::max(result.upper, on || domain.size() == 1 ? upper : ceiling);
    result.evaluations += input.evaluations();
    const auto& witness = incumbent.witness();
    if (!search.synapses && witness && witness->input_index == n && is_of(*witness, net, space, domain.lower.row(n).transpose(), input.found()))
      ways = input.found();
  }
  result.lower = incumbent.harm();
  result.upper = std::max(result.upper, result.lower);
  result.rounding = 4 * noise;
  const bool exact = result.upper - result.lower <= result.rounding;
  result.status = exact ? SearchStatus::exact : budget.stopped() ? status_of(budget.reason()) : SearchStatus::gap;
  result.witness = incumbent.witness();
  result.nodes = budget.nodes();
  if (!result.witness || search.synapses) return result;
  result.witness->ways = ways;
  result.witness->failed = values_of(net, space, result.witness->failed, ways);
  return result;
}

std::optional<SearchResult> by_parameters(const Network& net, const Space& space, const Domain& domain,
                                          const SearchOptions& options, double ceiling, Budget& budget) {
  ParameterSearch search;
  search.evaluated = [&](Index n) {
    return Evaluated{bound(net, space, Domain::points(domain.lower.row(n)), Method::capped, Goal::error, 1).slack, nullptr};
  };
  Incumbent incumbent;
  return by_parameters(net, space, domain, options, search, ceiling, budget, incumbent);
}

}  // namespace withstand::search
