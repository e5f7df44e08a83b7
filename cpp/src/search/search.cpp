// SPDX-License-Identifier: MIT
#include "withstand/search.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "search/linear_relaxation.hpp"
#include "search/tree.hpp"
#include "withstand/branch_bound.hpp"
#include "withstand/continuous.hpp"
#include "withstand/reach.hpp"

namespace withstand {
namespace {

/// Largest harm that output pre-activations in a range allow, and the noise of a harm between two evaluations.
struct Ceiling {
  double harm;
  double noise;
};

Ceiling ceiling(const Network& net, const Harm& harm, const Reach& at) {
  const auto out = static_cast<std::size_t>(net.layers());
  const Activation& psi = net.activation(net.layers());
  Ceiling result{-std::numeric_limits<double>::infinity(), 0};
  const double noise = psi.lipschitz() * at.noise[out].maxCoeff();
  const Vector lower = at.lower[out].unaryExpr([&](double s) { return psi(s); });
  const Vector upper = at.upper[out].unaryExpr([&](double s) { return psi(s); });
  for (Index k = 0; k < net.outputs(); ++k) {
    if (harm.goal() == Goal::error)
      result.harm = std::max({result.harm, upper(k) - harm.nominal()(k), harm.nominal()(k) - lower(k)});
    else if (k != harm.chosen())
      result.harm = std::max(result.harm, upper(k) - lower(harm.chosen()));
  }
  const double largest = std::max(lower.cwiseAbs().maxCoeff(), upper.cwiseAbs().maxCoeff());
  result.noise = 2 * noise + 16 * std::numeric_limits<double>::epsilon() * largest;
  result.harm += result.noise;
  return result;
}

/// One given input, with what its search shares between workers.
struct Point {
  Vector input;
  Harm harm;
  Ceiling ceiling;
  std::unique_ptr<Relaxation> relaxation;
};

/// Components whose failure changes something in the intact network, without those of the last hidden layer and the
/// outputs' synapses, which a selection closes.
double live_components(const Network& net, const Choices& choices, ConstVectorRef input) {
  const Trace intact = trace(net, input);
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

SearchResult conclude(const Incumbent& incumbent, const Budget& budget, double upper, std::uint64_t evaluations) {
  SearchResult result;
  result.lower = incumbent.harm();
  result.upper = upper;
  result.witness = incumbent.witness();
  result.status = status_of(budget.reason());
  if (result.status == SearchStatus::exact && upper > result.lower + rounding * std::max(1.0, std::abs(result.lower)))
    result.status = SearchStatus::gap;
  result.nodes = budget.nodes();
  result.evaluations = evaluations;
  return result;
}

}  // namespace

SearchResult worst_case(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch) {
  check(domain, net);
  Incumbent incumbent;
  Budget budget(options.node_limit, options.time_limit, watch);
  const int threads = budget.limited() ? 1 : options.threads;
  bool points_only = true;
  for (Index n = 0; n < domain.size(); ++n) points_only = points_only && domain.is_point(n);
  if (!points_only || !space.finite()) {
    Continuous search(net, space, domain, options.goal, incumbent, budget, threads, options.gap);
    search.run();
    return conclude(incumbent, budget, search.upper(), search.evaluations());
  }
  const Choices choices(net, space);
  const Columns columns(net);
  const bool bounded = space.at_most();  // a set that must have a size is enumerated
  std::vector<Point> points;
  points.reserve(static_cast<std::size_t>(domain.size()));
  std::vector<BranchBound::Row> rows;
  for (Index n = 0; n < domain.size(); ++n) {
    const Vector x = domain.lower.row(n).transpose();
    Harm harm(net, x, options.goal);
    const Ceiling top = ceiling(net, harm, reach(net, x, x, choices));
    points.push_back({x, std::move(harm), top, nullptr});
    Point& point = points.back();
    if (bounded) point.relaxation = linear_relaxation(net, space, choices, point.harm, point.input);
    rows.push_back({{net, columns, point.harm, point.input, n}, top.noise, top.harm,
                    live_components(net, choices, point.input), point.relaxation.get()});
    if (bounded) incumbent.offer(net, point.harm, point.input, n, {});
  }

  BranchBound search(choices, std::move(rows), incumbent, budget, threads, options.gap, options.bounding);
  search.run(watch);
  return conclude(incumbent, budget, search.upper(), search.evaluations());
}

}  // namespace withstand
