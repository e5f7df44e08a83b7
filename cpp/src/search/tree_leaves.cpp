// SPDX-License-Identifier: MIT
// What a node of the branch and bound does with concrete sets: witnesses, sets a bound cannot exclude, enumeration.
#include <algorithm>
#include <cmath>

#include "tree.hpp"
#include "withstand/threshold.hpp"

namespace withstand {

double BranchBound::Tree::evaluate(const Node& node, Worker& worker, const std::vector<Option>& set) {
  const Row& row = rows_[node.row];
  const Layered::Problem& problem = row.problem;
  auto& evaluator = worker.evaluators[node.row];
  if (!evaluator)
    evaluator = std::make_unique<Evaluator>(problem.network, problem.columns, problem.harm, problem.input);
  std::vector<Forced> failed;
  for (const Option& option : node.decisions.failed) failed.push_back({option.site, option.value});
  for (const Option& option : set) failed.push_back({option.site, option.value});
  ++evaluations_;
  const double harm = (*evaluator)(failed);
  if (harm + row.noise >= incumbent_.harm() && !incumbent_.holds(problem.input_index, failed))
    incumbent_.offer(problem.network, problem.harm, problem.input, problem.input_index, std::move(failed),
                     problem.precise);
  return harm;
}

/// The selection as a witness; where it is the best so far, exchanged option by option while that helps.
void BranchBound::Tree::attempt(const Node& node, Worker& worker, const std::vector<Option>& chosen,
                                const ObjectiveBound& bound) {
  const double before = incumbent_.harm();
  double best = evaluate(node, worker, chosen);
  if (best <= before || chosen.empty()) return;
  const std::size_t candidates = std::min(bound.gains.size(), 3 * chosen.size());
  std::vector<Option> set = chosen;
  for (bool improved = true; improved;) {
    improved = false;
    for (std::size_t n = 0; n < set.size(); ++n)
      for (std::size_t c = 0; c < candidates; ++c) {
        const Option& other = bound.gains[c].option;
        if (other.quota != set[n].quota) continue;
        if (std::any_of(set.begin(), set.end(), [&](const Option& o) { return o.site == other.site; })) continue;
        const Option kept = set[n];
        set[n] = other;
        const double harm = evaluate(node, worker, set);
        if (harm > best + rows_[node.row].noise) {
          best = harm;
          improved = true;
        } else {
          set[n] = kept;
        }
      }
  }
}

/// Close the node by evaluating every set that its linear bounds cannot exclude, if they are few.
bool BranchBound::Tree::evaluate_all(const Node& node, Worker& worker, const std::vector<const ObjectiveBound*>& open,
                                     const std::vector<Index>& counts, Outcome& out) {
  if (std::any_of(open.begin(), open.end(), [](auto* bound) { return !std::isfinite(bound->base); })) return false;
  const double affordable = 2 * rows_[node.row].relaxation->cost() / worker.evaluators[node.row]->cost();
  const auto limit = static_cast<std::uint64_t>(std::max(16.0, affordable));
  std::uint64_t total = 0;
  for (const ObjectiveBound* bound : open) {
    total += Threshold(*bound, counts, level()).count(limit - total);
    if (total > limit) return false;
  }
  for (const ObjectiveBound* bound : open)
    Threshold(*bound, counts, level()).visit([&](const std::vector<const Option*>& set) {
      std::vector<Option> options;
      for (const Option* option : set) options.push_back(*option);
      evaluate(node, worker, options);
    });
  out.work += static_cast<double>(total) * worker.evaluators[node.row]->cost();
  out.closed = std::max(out.closed, level());
  return true;
}

/// Where that is cheaper than a bound.
bool BranchBound::Tree::enumerate(const Node& node, Outcome& out) {
  const Row& row = rows_[node.row];
  const double cost = enumeration_cost(row.problem, row.live, left(node.decisions),
                                       static_cast<Index>(node.decisions.alive.size()));
  if (cost > 2 * row.relaxation->cost() || std::isinf(bounding_) || record_ != nullptr) return false;
  const Choices rest = choices_.restricted(node.decisions.failed, node.decisions.alive);
  Layered walk(row.problem, rest, row.noise, incumbent_, budget_, false);
  walk.run();
  evaluations_ += walk.evaluations();
  out.work += cost;
  if (budget_.stopped()) out.children.push_back(node);
  return true;
}

/// Bounding no longer pays: walk through everything that is still open.
void BranchBound::Tree::enumerate_rest(const Watch& watch) {
  std::sort(open_.begin(), open_.end(), [](const Node& a, const Node& b) { return later(b, a); });
  std::vector<Choices> rests;
  std::vector<std::pair<std::size_t, std::uint64_t>> tasks;
  for (std::size_t n = 0; n < open_.size(); ++n) {
    rests.push_back(choices_.restricted(open_[n].decisions.failed, open_[n].decisions.alive));
    const Row& row = rows_[open_[n].row];
    const std::uint64_t parts = Layered(row.problem, rests.back(), row.noise, incumbent_, budget_, false).parts();
    for (std::uint64_t part = 0; part < parts; ++part) tasks.emplace_back(n, part);
  }
  const int team = workers(tasks.size(), threads_);
  std::vector<std::unique_ptr<Layered>> walks(static_cast<std::size_t>(team));
  std::vector<std::size_t> at(walks.size(), open_.size());
  std::atomic<bool> skipped{false};
  const bool all = parallel_for(
      tasks.size(), threads_,
      [&](std::uint64_t task, int worker) {
        const auto [n, part] = tasks[task];
        if (open_[n].bound <= level()) skipped = true;
        if (open_[n].bound <= level() || budget_.stopped()) return;
        const auto w = static_cast<std::size_t>(worker);
        if (at[w] != n) {
          const Row& row = rows_[open_[n].row];
          if (walks[w]) evaluations_ += walks[w]->evaluations();
          walks[w] = std::make_unique<Layered>(row.problem, rests[n], row.noise, incumbent_, budget_, team == 1);
          at[w] = n;
        }
        walks[w]->run(part);
      },
      [&](std::uint64_t done) { return budget_.poll(done) && (!watch || watch(done)); });
  for (const auto& walk : walks)
    if (walk) evaluations_ += walk->evaluations();
  if (!all || budget_.stopped()) return;
  for (const Node& node : open_) {
    if (skipped && node.bound <= level()) closed_ = std::max(closed_, node.bound);
    if (record_ != nullptr)
      record_->leaves.push_back({node.bound <= level() ? Leaf::Kind::bounded : Leaf::Kind::enumerated,
                                 rows_[node.row].problem.input_index, node.decisions, node.bound});
  }
  open_.clear();
}

double enumeration_cost(const Layered::Problem& problem, double live, const std::vector<Index>& left, Index alive) {
  double open = 0;
  for (Index n : left) open += static_cast<double>(n);
  double states = 1, subsets = 1;
  const double components = std::max(0.0, live - static_cast<double>(alive));
  for (double n = 0; n < std::min(open, components); ++n) {
    subsets *= (components - n) / (n + 1);
    states += subsets;
  }
  double step = 200;
  for (Index l = 2; l <= problem.network.layers(); ++l)
    step += static_cast<double>(problem.network.width(l) * problem.network.width(l - 1)) / 8;
  return states * step;
}

}  // namespace withstand
