// SPDX-License-Identifier: MIT
#include "withstand/search.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "search/finite_part.hpp"
#include "search/first.hpp"
#include "search/frontier.hpp"
#include "search/adapters/bound_opinions.hpp"
#include "search/adapters/dead_weights.hpp"
#include "search/adapters/enumeration.hpp"
#include "search/adapters/linear_boxes.hpp"
#include "search/adapters/linear_relaxation.hpp"
#include "search/adapters/parameters.hpp"
#include "search/points.hpp"
#include "search/tree.hpp"
#include "search/branch_bound.hpp"
#include "search/checks.hpp"
#include "search/continuous/continuous.hpp"
#include "search/completed.hpp"
#include "search/conclusion.hpp"
#include "search/meetings/best_alone.hpp"
#include "search/meetings/few_failures.hpp"
#include "search/middle.hpp"
#include "evaluate/overflow.hpp"
#include "core/rounding.hpp"
#include "failure/effects.hpp"
#include "withstand/failed.hpp"

namespace withstand::search {
namespace {

/// Where rounding leaves more open than was asked for, a bound may know better.
void clip(SearchResult& result, const Search& search, const Proved& proved) {
  const SearchOptions& options = search.options;
  const double asked = options.gap * std::abs(result.upper);
  if (search.frontier != nullptr && !search.frontier->open.empty()) return;
  if (result.status != SearchStatus::gap || result.upper - result.lower <= asked) return;
  try {
    const double known = last_opinion(search.net, search.space, search.domain, options.goal, options.threads);
    result.upper = std::max(result.lower, std::min(result.upper, known));
  } catch (const Interrupted&) {  // what is known stays true
    result.status = status_of(search.budget.reason());
  }
  if (is_exact(result, proved)) result.status = SearchStatus::exact;
}

std::unique_ptr<Opinions> opinions_on(const Search& search) {
  return bound_opinions(search.net, search.space, search.domain, search.options.goal, search.options.threads,
                        search.budget);
}

SearchResult continuous(const Search& search) {
  require_one_way(search.space);
  const std::unique_ptr<Opinions> opinions = opinions_on(search);
  Continuous tree(search.net, search.space, search.domain, search.options.goal, search.incumbent, search.budget,
                  search.team(), search.options.gap, search.ceiling,
                  linear_boxes(search.net, search.space, search.options.goal), *opinions);
  tree.run();
  const auto& witness = search.incumbent.witness();
  const double scale = witness ? scale_of(search.net, trace(search.net, witness->input)) : 0;
  const double rounded = 100 * tie(search.incumbent.harm(), scale);  // nodes end at bounds here, not at evaluations
  return conclude(search, {tree.upper(), rounded, scale, scale}, tree.evaluations());
}

/// What bounds say that can be had within the grace of a limit.
double without_tree(const Search& search) {
  const std::unique_ptr<Opinions> opinions = opinions_on(search);
  double upper = search.ceiling;
  try {
    while (const auto known = opinions->next(infinity)) upper = std::min(upper, known->maxCoeff());
  } catch (const Interrupted&) {  // what is known stays true
  }
  return upper;
}

/// Whether nobody asks for a tree, or for bounds or enumeration alone.
bool needs_no_tree(const Search& search, const Recorder& recorder) {
  return !recorder.listens() && (search.frontier == nullptr || search.frontier->from.empty()) && search.options.bounding != 0 && std::isfinite(search.options.bounding);
}

/// By way of where failures meet, where that is possible.
std::optional<SearchResult> by_meetings(const Search& search, const Choices& choices, Points& points) {
  const auto found = few_failures(search.net, search.domain, choices, points, search.incumbent, search.budget, search.team());
  if (!found) return std::nullopt;
  const double upper = found->complete ? found->upper
                                       : std::max(search.incumbent.above(), std::min(found->upper, without_tree(search)));
  const Proved proved{upper, found->error, found->scale, points.outputs()};
  SearchResult result = conclude(search, proved, found->evaluations);
  if (found->complete) clip(result, search, proved);
  return result;
}

/// Finite failures at given inputs.
SearchResult discrete(const Search& search, Recorder& recorder) {
  const Choices choices(search.net, search.space);
  Points points(search.net, search.space, search.domain, search.options.goal, choices, search.incumbent);
  double ceiling = search.ceiling;
  if (needs_no_tree(search, recorder)) {
    if (auto meetings = by_meetings(search, choices, points)) return *meetings;
    const auto found = by_dead_weights(search.net, search.space, search.domain, search.options, ceiling, points, search.budget,
                                       search.incumbent);
    if (found && found->closed) return conclude(search, {found->upper, found->error, found->scale, points.outputs()}, found->evaluations);
    if (found) ceiling = found->upper;
    offer_the_best_alone(search.net, search.domain, choices, points, search.incumbent, search.budget);
  }
  NoOpinions silence;  // a tree that is written down is closed by its own bounds
  const std::unique_ptr<Opinions> opinions = opinions_on(search);
  BranchBound::Inputs inputs{static_cast<std::size_t>(search.domain.size()),
                             ceiling,
                             [&](std::size_t n) { return points.prepare(n); },
                             {},
                             cost_of_linear(search.net),
                             recorder.listens() ? silence : *opinions,
                             search.space.at_most() ? search.frontier : nullptr};
  if (search.space.at_most())  // a set that must have a size is enumerated
    inputs.relaxation = [&](std::size_t n) { return points.relaxation(n); };
  BranchBound tree(choices, std::move(inputs), search.incumbent, search.budget, search.team(), search.options.gap,
                   search.options.bounding, recorder);
  tree.run();
  const Proved proved{tree.upper(), tree.error(), tree.scale(), points.outputs()};
  if (search.frontier != nullptr) search.frontier->closed = tree.closed();
  SearchResult result = conclude(search, proved, tree.evaluations());
  clip(result, search, proved);
  return result;
}

/// Prescribed numbers of failures by way of "at most": its worst case is also theirs where idle failures make up the
/// numbers, as they do in wide networks of rectifiers. Where they do not, nothing but a lower ceiling.
std::optional<SearchResult> through_at_most(Search& search, Recorder& recorder) {
  constexpr double worth_it = 1e6;  // configurations; fewer are enumerated sooner
  const Choices choices(search.net, search.space);
  if (choices.overlapping || search.space.magnitude() < worth_it) return std::nullopt;
  std::vector<Failure> failures;
  for (const Space::Term& term : search.space.terms()) {
    failures.push_back(term.failure);
    failures.back().exactly = false;
  }
  const Space at_most(search.net, failures);
  Incumbent found;
  const double ceiling = first_opinion(search.net, at_most, search.domain, search.options.goal);
  SearchResult result = discrete({search.net, at_most, search.domain, search.options, search.budget, found, ceiling}, recorder);
  search.ceiling = std::min(search.ceiling, result.upper);
  if (!result.witness) return std::nullopt;
  result.witness = completed(search.net, choices, std::move(*result.witness));
  if (!result.witness) return std::nullopt;
  result.upper = std::max(result.lower, std::min(result.upper, search.ceiling));
  return result;
}

SearchResult searched(Search& search, Recorder& recorder) {
  const bool points = (search.domain.lower.array() == search.domain.upper.array()).all();
  if (!points && search.space.finite())
    offer_the_middle(search, [](Search& there) { Recorder nobody; return discrete(there, nobody); });
  if (!points || !search.space.finite()) return continuous(search);
  if (!search.space.at_most())
    if (auto found = through_at_most(search, recorder)) return *found;
  recorder.clear();
  return discrete(search, recorder);
}

SearchResult of_neurons(Search& search, Recorder& recorder) {
  try {
    return searched(search, recorder);
  } catch (const Interrupted&) {  // before there was a tree
    return conclude(search, {std::max(search.incumbent.harm(), without_tree(search)), 0, 0, 0}, 1);
  }
}

/// What every configuration is tried for is as good as evaluations are: where these may be off by much, bounds may know
/// better, and an interval that stays wider than a millionth of the outputs is not exact.
void judge(SearchResult& result, const Search& search) {
  if (result.status != SearchStatus::exact || result.lower == infinity) return;
  constexpr double meaningful = 1e-6;
  if (result.upper - result.lower <= meaningful * std::abs(result.lower)) return;
  Outputs outputs;
  for (Index n = 0; n < search.domain.size(); ++n) outputs.include(trace(search.net, search.domain.lower.row(n).transpose()));
  const double allowed = meaningful * std::max(outputs.size(), std::abs(result.lower));
  if (result.upper - result.lower <= allowed) return;
  result.upper = std::max(result.lower, std::min(result.upper, without_tree(search)));
  if (result.upper - result.lower > allowed) result.status = SearchStatus::gap;
}

/// The share of what is left of the time that may go into trying configurations: what bounds are known to take
/// afterwards is not among it, and no more than a fifth is kept.
double share_of_trying(const Search& search, bool points) {
  constexpr double least = 0.8;
  if (!search.space.finite()) return least;  // its finite part is tried, too
  const double bounding = points ? opinions_on(search)->seconds() : 0;
  return std::max(least, 1 - bounding / search.budget.remaining());
}

/// Components that are several neurons or synapses, or hear what they are sent: every configuration is tried, as far as the
/// budget lasts; bounds say what is left.
SearchResult of_parts(const Search& search, const std::vector<Failed>& first) {
  constexpr double few = 1e6;  // configurations, which are enumerated sooner than anything is proved of them
  const Domain& domain = search.domain;
  const Matrix middle = 0.5 * domain.lower + 0.5 * domain.upper;
  const bool points = (domain.lower.array() == domain.upper.array()).all();
  SearchResult result;
  result.lower = -infinity;
  result.upper = search.ceiling;
  // Over boxes nothing but bounds says what cannot be: they come first.
  const double known = points ? search.ceiling : without_tree(search);
  Budget most = search.budget.part(search.budget.nodes_left(), share_of_trying(search, points));
  try {
    const Interruptible work(most);
    std::optional<SearchResult> found;
    if (search.space.magnitude() * static_cast<double>(domain.size()) > few)
      found = by_parameters(search.net, search.space, points ? domain : Domain::points(middle), search.options,
                            points ? search.ceiling : infinity, most);
    result = found ? *found : enumerated(search.net, search.space, domain, search.options, search.ceiling, most);
    if (!points) result.upper = known;
    if (!points && result.status == SearchStatus::exact) result.status = SearchStatus::gap;
  } catch (const Interrupted&) {  // what is known stays true
    result.status = status_of(most.reason());
  }
  search.budget.spend(most.nodes());
  if (!most.stopped() && result.status == SearchStatus::budget) result.status = SearchStatus::gap;
  if (!search.space.finite()) {
    const auto part = worst_finite_part(search, [](Search& alone) {
      Recorder nobody;
      return alone.space.plain() ? of_neurons(alone, nobody) : of_parts(alone, {});
    });
    if (part && part->lower > result.lower) result.lower = part->lower, result.witness = part->witness;
  }
  if (search.incumbent.harm() > result.lower) {
    result.lower = search.incumbent.harm();
    result.witness = search.incumbent.witness();
    result.witness->failed = values_of(search.net, search.space, result.witness->failed, first);
    result.witness->ways = first;
  }
  if (result.status != SearchStatus::exact && points) result.upper = std::min(result.upper, without_tree(search));
  result.upper = std::max(result.lower, std::min(result.upper, known));
  if (points) judge(result, search);
  return result;
}

}  // namespace
}  // namespace withstand::search

namespace withstand {

using namespace search;  // NOLINT(google-build-using-namespace): this file is where the two meet

namespace {

SearchResult answer(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options,
                    const Watch& given, Recorder& recorder, Frontier* frontier) {
  check_question(net, space, domain, options);
  const Watch watch = heeding(given);
  Budget budget(options.node_limit, options.time_limit, watch);
  Incumbent incumbent(space.plain() ? options.floor : -infinity);
  SearchResult nothing;
  nothing.lower = -infinity;
  nothing.upper = infinity;
  nothing.status = SearchStatus::interrupted;
  double ceiling = infinity;
  std::vector<Failed> first;
  {  // whatever the limits: a bound of everything, and one configuration
    Budget patience(Budget::unlimited, infinity, watch);
    const Interruptible work(patience);
    try {
      require_no_overflow(net, space, domain);
      ceiling = first_opinion(net, space, domain, options.goal);
      first = evaluate_one(net, space, domain, options.goal, incumbent);
    } catch (const Interrupted&) {
      return nothing;
    }
  }
  const Interruptible work(budget);
  Search search{net, space, domain, options, budget, incumbent, ceiling, frontier};
  SearchResult result = space.plain() ? of_neurons(search, recorder) : of_parts(search, first);
  if (result.status == SearchStatus::exact && result.lower < infinity)
    result.rounding = std::max(result.rounding, sub_up(result.upper, result.lower));
  return result;
}

}  // namespace

SearchResult worst_case(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch, Recorder& recorder) {
  return answer(net, space, domain, options, watch, recorder, nullptr);
}

SearchResult worst_case(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch, Frontier& frontier) {
  Recorder nobody;
  return answer(net, space, domain, options, watch, nobody, &frontier);
}

SearchResult worst_case(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch) {
  Recorder nobody;
  return worst_case(net, space, domain, options, watch, nobody);
}

}  // namespace withstand
