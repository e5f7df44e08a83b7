// SPDX-License-Identifier: MIT
#include "search/adapters/parameters.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "core/rounding.hpp"
#include "failure/effects.hpp"
#include "search/adapters/flips_at.hpp"
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

}  // namespace

std::optional<SearchResult> by_parameters(const Network& net, const Space& space, const Domain& domain,
                                          const SearchOptions& options, double ceiling, Budget& budget) {
  if (!applies(net, space, domain)) return std::nullopt;
  Incumbent incumbent;
  std::vector<std::unique_ptr<FlipsAt>> inputs;
  for (Index n = 0; n < domain.size(); ++n) {
    inputs.push_back(std::make_unique<FlipsAt>(net, space, domain, n, options, budget, incumbent));
    if (!inputs.back()->usable()) return std::nullopt;
  }
  double noise = 0;
  for (const auto& input : inputs) noise = std::max(noise, input->noise());
  for (const auto& input : inputs) input->select_outputs();
  // Coarse questions first: each answer is a bound. Whatever does more than half-way up is looked for first.
  double upper = ceiling;
  bool on = true;
  for (double share = 0.5; on; share = share > 0.01 ? 0.5 * share : 0) {
    const double level = std::max(incumbent.harm(), incumbent.harm() + share * (upper - incumbent.harm()));
    for (const auto& input : inputs) on = on && input->none_above(level);
    if (on) upper = std::min(upper, std::max(level, incumbent.harm()) + 2 * noise);
    double known = incumbent.harm();
    for (const auto& input : inputs) known = std::max(known, input->known());
    upper = std::min(upper, known + 2 * noise);
    if (share == 0 || upper - incumbent.harm() <= options.gap * std::abs(upper)) break;
  }
  SearchResult result;
  result.lower = incumbent.harm();
  result.upper = std::max(upper, result.lower);
  result.rounding = 4 * noise;
  const bool exact = result.upper - result.lower <= result.rounding;
  result.status = exact ? SearchStatus::exact : on ? SearchStatus::gap : status_of(budget.reason());
  result.witness = incumbent.witness();
  for (const auto& input : inputs) {
    result.evaluations += input->evaluations();
    if (!result.witness || input->found().empty()) continue;
    const std::vector<Forced> forced = forced_by(net, space, domain.lower.row(result.witness->input_index).transpose(), input->found());
    const auto same = [](const Forced& a, const Forced& b) { return a.site == b.site && a.value == b.value; };
    if (result.witness->failed.size() != forced.size() ||
        !std::equal(forced.begin(), forced.end(), result.witness->failed.begin(), same))
      continue;
    result.witness->ways = input->found();
  }
  if (result.witness) result.witness->failed = values_of(net, space, result.witness->failed, result.witness->ways);
  result.nodes = budget.nodes();
  return result;
}

}  // namespace withstand::search
