// SPDX-License-Identifier: MIT
#include "withstand/search.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "withstand/layered.hpp"
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
struct Row {
  Vector input;
  Index index;
  Harm harm;
  Ceiling ceiling;
};

SearchStatus status_of(Budget::Stop stop) {
  if (stop == Budget::Stop::none) return SearchStatus::exact;
  return stop == Budget::Stop::interrupted ? SearchStatus::interrupted : SearchStatus::budget;
}

}  // namespace

SearchResult worst_case(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options,
                        const Watch& watch) {
  check(domain, net);
  const Choices choices(net, space);
  const Columns columns(net);
  std::vector<Row> rows;
  for (Index n = 0; n < domain.size(); ++n) {
    if (!domain.is_point(n)) throw std::invalid_argument("worst_case over a box is not supported, give inputs");
    const Vector x = domain.lower.row(n).transpose();
    Harm harm(net, x, options.goal);
    const Ceiling top = ceiling(net, harm, reach(net, x, x, choices));
    rows.push_back({x, n, std::move(harm), top});
  }

  Incumbent incumbent;
  Budget budget(options.node_limit, options.time_limit, watch);
  std::vector<std::unique_ptr<Layered>> walks;
  const int threads = budget.limited() ? 1 : options.threads;
  const auto start = [&](std::size_t row, bool polls) {
    const Layered::Problem problem{net, columns, rows[row].harm, rows[row].input, rows[row].index};
    return std::make_unique<Layered>(problem, choices, rows[row].ceiling.noise, incumbent, budget, polls);
  };
  const std::uint64_t parts = start(0, false)->parts();
  const std::uint64_t tasks = parts * rows.size();
  const int team = workers(tasks, threads);
  std::vector<std::unique_ptr<Layered>> walk(static_cast<std::size_t>(team));
  std::vector<std::size_t> at(walk.size(), rows.size());
  std::vector<std::uint64_t> evaluations(walk.size(), 0);
  const bool finished = parallel_for(
      tasks, threads,
      [&](std::uint64_t task, int worker) {
        const auto w = static_cast<std::size_t>(worker);
        const auto row = static_cast<std::size_t>(task / parts);
        if (at[w] != row) {
          if (walk[w]) evaluations[w] += walk[w]->evaluations();
          walk[w] = start(row, team == 1);
          at[w] = row;
        }
        walk[w]->run(task % parts);
      },
      [&](std::uint64_t done) { return budget.poll(done); });

  SearchResult result;
  result.status = finished ? status_of(budget.reason()) : status_of(budget.reason());
  for (std::size_t w = 0; w < walk.size(); ++w) result.evaluations += evaluations[w] + (walk[w] ? walk[w]->evaluations() : 0);
  result.nodes = result.evaluations;
  result.lower = incumbent.harm();
  result.witness = incumbent.witness();
  result.upper = result.lower;
  if (budget.stopped())
    for (const Row& row : rows) result.upper = std::max(result.upper, row.ceiling.harm);
  return result;
}

}  // namespace withstand
