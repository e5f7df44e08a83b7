// SPDX-License-Identifier: MIT
#include "withstand/search.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>

#include "search/linear_relaxation.hpp"
#include "search/tree.hpp"
#include "withstand/bound.hpp"
#include "withstand/branch_bound.hpp"
#include "withstand/continuous.hpp"
#include "withstand/filler.hpp"
#include "withstand/overflow.hpp"
#include "withstand/reach.hpp"
#include "withstand/rounding.hpp"

namespace withstand {
namespace {

/// Largest harm that output pre-activations in a range allow, the noise of a harm between two evaluations (or one and
/// real arithmetic), and the error of precise ones.
struct Ceiling {
  double harm;
  double noise;
  double error;
};

Ceiling ceiling(const Network& net, const Harm& harm, const Reach& at) {
  const auto out = static_cast<std::size_t>(net.layers());
  const Activation& psi = net.activation(net.layers());
  Ceiling result{-infinity, 0, 0};
  const Vector lower = at.lower[out].unaryExpr([&](double s) { return psi(s); });
  const Vector upper = at.upper[out].unaryExpr([&](double s) { return psi(s); });
  for (Index k = 0; k < net.outputs(); ++k) {
    if (harm.goal() == Goal::error)
      result.harm = std::max({result.harm, upper(k) - harm.nominal()(k), harm.nominal()(k) - lower(k)});
    else if (k != harm.chosen())
      result.harm = std::max(result.harm, upper(k) - lower(harm.chosen()));
  }
  const double largest = std::max(lower.cwiseAbs().maxCoeff(), upper.cwiseAbs().maxCoeff());
  if (!at.exact) {
    result.noise = 2 * at.output_noise + 0x1p-48 * largest;  // and of the subtraction
    result.error = 2 * at.output_error + 0x1p-96 * largest;
  }
  result.harm += result.noise;
  if (!std::isfinite(result.noise)) result.noise = infinity;  // an overflow: replay everything, believe nothing
  if (std::isnan(result.harm)) result.harm = infinity;
  return result;
}

/// One given input, with what its search shares between workers.
struct Point {
  Vector input;
  Harm harm;
  Reach reach;
  Ceiling ceiling;
  std::unique_ptr<Precise> precise;
  std::unique_ptr<Relaxation> relaxation;
};

/// Components whose failure changes something in the intact network, without those of the last hidden layer and the
/// outputs' synapses, which a selection closes.
double live_components(const Network& net, const Choices& choices, const Trace& intact) {
  double live = 0;
  for (std::size_t s = 0; s < neuron_stage(net.depth()); ++s)
    for (const Option& o : choices.stages[s].options) {
      const bool synapse = o.site.is_synapse();
      const Vector& y = intact.post[static_cast<std::size_t>(synapse ? o.site.layer - 1 : o.site.layer)];
      live += synapse ? (y(o.site.from) != 0 ? 1 : 0) : (y(o.site.to) != o.value ? 1 : 0);
    }
  return live;
}

SearchStatus status_of(Budget::Stop stop) {
  if (stop == Budget::Stop::none) return SearchStatus::exact;
  return stop == Budget::Stop::interrupted ? SearchStatus::interrupted : SearchStatus::budget;
}

/// The largest sum of absolute values that an output of the intact network is made of: what its rounding goes by.
double scale_of(const Network& net, const Trace& intact) {
  const Vector& last = intact.post[static_cast<std::size_t>(net.depth())];
  return (net.weight(net.layers()).cwiseAbs() * last.cwiseAbs() + net.bias(net.layers()).cwiseAbs()).maxCoeff();
}

/// The largest value that an execution transmits.
double largest_of(const Trace& execution) {
  double largest = 0;
  for (const Vector& layer : execution.post) largest = std::max(largest, layer.cwiseAbs().maxCoeff());
  return largest;
}

/// What a search has proved, and how well evaluations know it.
struct Proved {
  double upper;
  double error;  ///< of the most precise evaluations
  double scale;    ///< of what the outputs sum up
  double outputs;  ///< their largest intact pre-activation; where all are 0, what intact networks transmit
};

/// An interval is exact where it is as narrow as evaluations can tell, and that is narrow beside the harm, or evaluations
/// can tell much of the outputs: of cancelled sums, which are all rounding errors, nothing is exact.
bool is_exact(const SearchResult& result, const Proved& proved) {
  constexpr double meaningful = 1e-9;
  if (result.upper > add_up(result.lower, result.rounding)) return false;
  return proved.error <= meaningful * std::max({proved.outputs, std::abs(result.lower), 0x1p-400}) ||
         result.upper - result.lower <= meaningful * std::abs(result.lower);
}

SearchResult conclude(Incumbent& incumbent, const Budget& budget, const Proved& proved, std::uint64_t evaluations) {
  SearchResult result;
  result.lower = incumbent.harm();
  result.upper = proved.upper;
  result.witness = incumbent.witness();
  result.nodes = budget.nodes();
  result.evaluations = evaluations;
  result.status = status_of(budget.reason());
  if (!result.witness) return result;
  const double equal = add_up(result.lower, add_up(proved.error, tie(result.lower, proved.scale)));
  result.rounding = sub_up(equal, result.lower);
  if (result.status == SearchStatus::exact && !is_exact(result, proved)) result.status = SearchStatus::gap;
  if (result.status == SearchStatus::exact && result.upper > incumbent.above())
    result.upper = equal;  // for any number of threads
  return result;
}

/// Where rounding leaves more open than was asked for, a bound may know better.
void clip(SearchResult& result, const Network& net, const Space& space, const Domain& domain,
          const SearchOptions& options, const Proved& proved) {
  const double asked = options.gap * std::abs(result.upper);
  if (result.status != SearchStatus::gap || result.upper - result.lower <= asked) return;
  const double known = bound(net, space, domain, Method::tightest, options.goal, options.threads).values.maxCoeff();
  result.upper = std::max(result.lower, std::min(result.upper, known));
  if (is_exact(result, proved)) result.status = SearchStatus::exact;
}

/// One team size for the whole search: with a limit of nodes the result must not depend on who is first.
int team(const SearchOptions& options) {
  return options.node_limit == Budget::unlimited ? options.threads : 1;
}

SearchResult continuous(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch) {
  Incumbent incumbent;
  Budget budget(options.node_limit, options.time_limit, watch);
  Continuous search(net, space, domain, options.goal, incumbent, budget, team(options), options.gap);
  search.run();
  const auto& witness = incumbent.witness();
  const double scale = witness ? scale_of(net, trace(net, witness->input)) : 0;
  const double rounded = 100 * tie(incumbent.harm(), scale);  // nodes end at bounds here, not at evaluations
  return conclude(incumbent, budget, {search.upper(), rounded, scale, scale}, search.evaluations());
}

/// Finite failures at given inputs.
SearchResult discrete(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options,
                      const Watch& watch, TreeRecord* record) {
  Incumbent incumbent;
  Budget budget(options.node_limit, options.time_limit, watch);
  const Choices choices(net, space);
  const Columns columns(net);
  const bool bounded = space.at_most();  // a set that must have a size is enumerated
  std::vector<Point> points;
  points.reserve(static_cast<std::size_t>(domain.size()));
  std::vector<BranchBound::Row> rows;
  double outputs = 0, largest = 0;
  for (Index n = 0; n < domain.size(); ++n) {
    const Vector x = domain.lower.row(n).transpose();
    Harm harm(net, x, options.goal);
    Reach at = reach(net, x, x, choices);
    const Ceiling top = ceiling(net, harm, at);
    points.push_back({x, std::move(harm), std::move(at), top, nullptr, nullptr});
    Point& point = points.back();
    if (top.noise > 0) point.precise = std::make_unique<Precise>(net, point.harm, point.input, top.noise, top.error);
    if (bounded) point.relaxation = linear_relaxation(net, space, choices, point.harm, point.input);
    const Trace intact = trace(net, x);
    outputs = std::max(outputs, intact.pre.back().cwiseAbs().maxCoeff());
    largest = std::max(largest, largest_of(intact));
    rows.push_back({{net, columns, point.harm, point.input, n, &point.reach, point.precise.get()}, top.noise, top.harm,
                    scale_of(net, intact), live_components(net, choices, intact), point.relaxation.get()});
    if (bounded) incumbent.offer(net, point.harm, point.input, n, {}, point.precise.get());
  }

  BranchBound search(choices, std::move(rows), incumbent, budget, team(options), options.gap, options.bounding,
                     record);
  search.run(watch);
  const Proved proved{search.upper(), search.error(), search.scale(), outputs > 0 ? outputs : largest};
  SearchResult result = conclude(incumbent, budget, proved, search.evaluations());
  clip(result, net, space, domain, options, proved);
  return result;
}

/// Failures that change nothing make up the prescribed numbers: the witness with them, if there are enough.
std::optional<Witness> completed(const Network& net, const Choices& choices, Witness witness) {
  const Trace faulty = trace(net, witness.input, witness.failed);
  std::vector<Index> owed;
  for (const Choices::Quota& quota : choices.quotas) owed.push_back(quota.exactly ? quota.count : 0);
  std::vector<Option> idle;
  for (const Choices::Stage& stage : choices.stages)
    for (const Option& o : stage.options) {
      const Vector& y = faulty.post[static_cast<std::size_t>(o.site.is_synapse() ? o.site.layer - 1 : o.site.layer)];
      const auto used = std::find_if(witness.failed.begin(), witness.failed.end(),
                                     [&](const Forced& f) { return f.site == o.site; });
      if (used != witness.failed.end() && used->value == o.value && choices.quotas[o.quota].exactly) --owed[o.quota];
      if (used == witness.failed.end() && (o.site.is_synapse() ? y(o.site.from) == 0 : y(o.site.to) == o.value))
        idle.push_back(o);
    }
  const auto filled = fill(owed, idle);
  if (!filled) return std::nullopt;
  for (const Option& option : *filled) witness.failed.push_back({option.site, option.value});
  std::sort(witness.failed.begin(), witness.failed.end(),
            [](const Forced& a, const Forced& b) { return a.site < b.site; });
  return witness;
}

/// Prescribed numbers of failures by way of "at most": its worst case is also theirs where idle failures make up the
/// numbers, as they do in wide networks of rectifiers. Nothing where they do not.
std::optional<SearchResult> through_at_most(const Network& net, const Space& space, const Domain& domain,
                                            const SearchOptions& options, const Watch& watch, TreeRecord* record) {
  constexpr double worth_it = 1e6;  // configurations; fewer are enumerated sooner
  const Choices choices(net, space);
  if (choices.overlapping || space.magnitude() < worth_it) return std::nullopt;
  std::vector<Failure> failures;
  for (const Space::Term& term : space.terms()) {
    failures.push_back(term.failure);
    failures.back().exactly = false;
  }
  SearchResult found = discrete(net, Space(net, failures), domain, options, watch, record);
  if (!found.witness) return std::nullopt;
  found.witness = completed(net, choices, std::move(*found.witness));
  if (!found.witness) return std::nullopt;
  return found;
}

}  // namespace

SearchResult worst_case(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch, TreeRecord* record) {
  check(domain, net);
  require_no_overflow(net, space, domain);
  bool points = true;
  for (Index n = 0; n < domain.size(); ++n) points = points && domain.is_point(n);
  if (!points || !space.finite()) return continuous(net, space, domain, options, watch);
  if (!space.at_most())
    if (auto found = through_at_most(net, space, domain, options, watch, record)) return *found;
  if (record != nullptr) record->leaves.clear();
  return discrete(net, space, domain, options, watch, record);
}

}  // namespace withstand
