// SPDX-License-Identifier: MIT
// What a node of the branch and bound does with concrete sets: witnesses, sets a bound cannot exclude, enumeration.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "tree.hpp"
#include "core/rounding.hpp"
#include "search/layered/potential.hpp"
#include "search/threshold.hpp"

namespace withstand::search {
namespace {

constexpr double near = 1 << 14;  ///< weights of a layer that stay close from state to state, which costs half

double weights_into(const Network& net, Index layer) { return static_cast<double>(net.width(layer) * net.width(layer - 1)); }

/// The most weights of a layer behind the first.
double widest(const Network& net) {
  double most = 0;
  for (Index l = 2; l <= net.layers(); ++l) most = std::max(most, weights_into(net, l));
  return most;
}

}  // namespace

Evaluator& BranchBound::Tree::evaluator(Worker& worker, std::size_t row) const {
  Tools& found = tools(worker, row);
  const Layered::Problem& at = rows_[row]->problem;
  if (!found.evaluator) found.evaluator = std::make_unique<Evaluator>(at.network, at.columns, at.harm, at.input);
  return *found.evaluator;
}

double BranchBound::Tree::evaluate(const Node& node, Worker& worker, const std::vector<Option>& set) {
  interruption_point();
  const Row& row = row_of(node);
  const Layered::Problem& problem = row.problem;
  std::vector<Forced> failed;
  for (const Option& option : node.decisions.failed) failed.push_back({option.site, option.value});
  for (const Option& option : set) failed.push_back({option.site, option.value});
  ++evaluations_;
  const double harm = evaluator(worker, node.row)(failed);
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
        if (harm > best + row_of(node).noise) {
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
  const double each = evaluator(worker, node.row).cost();
  const double affordable = 2 * inputs_.cost / each;
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
  out.work += static_cast<double>(total) * each;
  out.closed = std::max(out.closed, level());
  return true;
}

/// Where that is cheaper than a bound.
bool BranchBound::Tree::enumerate(const Node& node, Outcome& out) {
  const Row& row = row_of(node);
  const double cost = enumeration_cost(row.problem, row.live, left(node.decisions),
                                       static_cast<Index>(node.decisions.alive.size()));
  if (cost > 2 * inputs_.cost || std::isinf(bounding_) || recorder_.listens()) return false;
  const Choices rest = choices_.restricted(node.decisions.failed, node.decisions.alive);
  Layered walk(row.problem, rest, row.noise, incumbent_, budget_);
  walk.run();
  evaluations_ += walk.evaluations();
  out.work += cost;
  if (budget_.stopped()) out.children.push_back(node);
  return true;
}

/// What to enumerate, node by node: of few nodes in parts, so that every worker has some, else each as a whole.
std::vector<std::pair<std::size_t, std::optional<std::uint64_t>>> BranchBound::Tree::parts_of(
    const std::vector<Node>& nodes, int team) {
  std::vector<std::pair<std::size_t, std::optional<std::uint64_t>>> tasks;
  const bool many = nodes.size() >= 64 * static_cast<std::size_t>(team);
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    if (const auto& walk = nodes[n].walk) {
      for (std::uint64_t part = walk->first; part < walk->last; ++part) tasks.emplace_back(n, part);
      continue;
    }
    if (many) {
      tasks.emplace_back(n, std::nullopt);
      continue;
    }
    interruption_point();
    const Row& row = row_of(nodes[n]);
    const Choices rest = choices_.restricted(nodes[n].decisions.failed, nodes[n].decisions.alive);
    const std::uint64_t parts = Layered(row.problem, rest, row.noise, incumbent_, budget_).parts();
    for (std::uint64_t part = 0; part < parts; ++part) tasks.emplace_back(n, part);
  }
  return tasks;
}

/// By row, where computing it is little beside the enumeration of a node.
std::vector<std::unique_ptr<Potential>> BranchBound::Tree::potentials_of(const std::vector<Node>& nodes) const {
  std::vector<std::unique_ptr<Potential>> potentials(rows_.size());
  for (const Node& node : nodes) {
    const Row& row = row_of(node);
    if (potentials[node.row] || !Potential::holds(row.problem, choices_)) continue;
    if (cost_of(node) > 16 * Potential::cost(row.problem)) potentials[node.row] = std::make_unique<Potential>(row.problem);
  }
  return potentials;
}

/// What enumerating would take now that there is a harm to beat: a sample of its parts at the best node's input is walked
/// through, for at most a tenth of what bounding may take, and the work that is allowed to bounds shrinks as the walk did. Not
/// where a layer is wide: its states take much longer than `state_cost` says, and a tree of 47 nodes was left for a walk of 38,000.
void BranchBound::Tree::probe() {
  constexpr std::uint64_t sample = 16;
  const Row& row = row_of(open_.best());
  probed_ = true;
  if (!Potential::holds(row.problem, choices_) || widest(row.problem.network) > near) return;
  const double open = enumeration_cost(row.problem, row.live, left({}), 0);
  const double affordable = bounding_ * promise() * open / 10;
  if (affordable < Potential::cost(row.problem)) return;
  const Potential potential(row.problem);
  Budget few(static_cast<std::uint64_t>(affordable / state_cost(row.problem.network)) + 1, infinity, {});
  Layered walk(row.problem, choices_, row.noise, incumbent_, few, &potential);
  const std::uint64_t every = std::max<std::uint64_t>(1, walk.parts() / sample);
  std::uint64_t evaluated = 0, done = 0;
  for (std::uint64_t n = 0; n < sample && !few.stopped(); ++n) {
    walk.run((5 * n % sample * every + every / 2) % walk.parts());  // one early, one late: a sample that is cut short is one
    if (few.stopped()) break;
    evaluated = walk.evaluations();
    ++done;
  }
  evaluations_ += walk.evaluations();
  const double each = state_cost(row.problem.network);
  work_ += static_cast<double>(walk.evaluations()) * each;
  if (done < sample / 4) return;
  allowance_ *= std::min(1.0, static_cast<double>(evaluated * walk.parts() / done) * each / open);
}

/// Bounding no longer pays: walk through everything that is still open.
void BranchBound::Tree::enumerate_rest() {
  prepare(open_.take_all([this](const Node& node) { return !prepared(node); }));  // whose bounds were not the best so far
  if (budget_.stopped()) return;
  const double cost = cost_of_open();
  if (leaves(std::numeric_limits<double>::infinity())) return leave_walks();
  consult(work_ + (budget_.timed() ? 1 : Opinions::patience) * std::min(cost, allowance_));
  const std::vector<Node>& nodes = open_.sorted();
  const std::vector<std::unique_ptr<Potential>> potentials = potentials_of(nodes);
  const auto tasks = parts_of(nodes, workers(std::numeric_limits<std::uint64_t>::max(), threads_));
  struct Self {
    std::optional<std::size_t> at;
    std::unique_ptr<Choices> rest;
    std::unique_ptr<Layered> walk;
  };
  std::vector<Self> team(static_cast<std::size_t>(workers(tasks.size(), threads_)));
  std::atomic<bool> skipped{false};
  const bool all = parallel_for(
      tasks.size(), threads_,
      [&](std::uint64_t task, int worker) {
        const auto [n, part] = tasks[task];
        if (nodes[n].bound <= level()) skipped = true;
        if (nodes[n].bound <= level() || budget_.stopped()) return;
        Self& self = team[static_cast<std::size_t>(worker)];
        if (self.at != n) {
          const Row& row = row_of(nodes[n]);
          if (self.walk) evaluations_ += self.walk->evaluations();
          self.rest = std::make_unique<Choices>(choices_.restricted(nodes[n].decisions.failed, nodes[n].decisions.alive));
          self.walk = std::make_unique<Layered>(row.problem, *self.rest, row.noise, incumbent_, budget_,
                                                potentials[nodes[n].row].get());
          self.at = n;
        }
        part ? self.walk->run(*part) : self.walk->run();
      },
      [&](std::uint64_t done) { return budget_.poll(done); });
  for (const Self& self : team)
    if (self.walk) evaluations_ += self.walk->evaluations();
  if (!all || budget_.stopped()) return;
  for (const Node& node : nodes) {
    if (skipped && node.bound <= level()) open_.close(node.bound);
    recorder_.add(node.bound <= level() ? Leaf::Kind::bounded : Leaf::Kind::enumerated, static_cast<Index>(node.row),
                  node.decisions, node.bound);
  }
  open_.clear();
}

double state_cost(const Network& net) {
  double cost = 110;
  for (Index l = 2; l <= net.layers(); ++l) {
    const double weights = weights_into(net, l);
    cost += weights / (weights <= near ? 14 : 8);
  }
  return cost;
}

double enumeration_cost(const Layered::Problem& problem, double live, const std::vector<Index>& left, Index alive) {
  double open = 0;
  for (Index n : left) open += static_cast<double>(n);
  return sets_of(std::max(0.0, live - static_cast<double>(alive)), open) * state_cost(problem.network);
}

double sets_of(double components, double most) {
  double all = 1, sets = 1;
  for (double n = 0; n < std::min(most, components); ++n) {
    sets *= (components - n) / (n + 1);
    all += sets;
  }
  return all;
}

}  // namespace withstand::search
