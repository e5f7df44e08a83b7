// SPDX-License-Identifier: MIT
// What a search starts from that another one left, and what it leaves: disjoint parts of the space.
#include <algorithm>
#include <limits>
#include <stdexcept>

#include "tree.hpp"

namespace withstand::search {

/// Everything, or what is left of it: parts whose inputs are prepared at once, since several share one.
void BranchBound::Tree::start() {
  const Frontier* frontier = inputs_.frontier;
  const bool whole = frontier == nullptr || frontier->from.empty();
  for (std::size_t n = 0; n < rows_.size() && whole; ++n) {
    Node root;
    root.bound = inputs_.ceiling;
    root.row = n;
    root.first = true;
    open_.push(std::move(root));
  }
  if (whole) return;
  for (const OpenPart& part : frontier->from) {
    if (part.input_index < 0 || part.input_index >= static_cast<Index>(rows_.size()))
      throw std::invalid_argument("an open part is of an input that the domain does not have");
    Node node;
    node.bound = std::min(inputs_.ceiling, part.bound);
    node.row = static_cast<std::size_t>(part.input_index);
    node.decisions = part.decisions;
    node.objectives = part.objectives;
    node.first = part.first;
    node.walk = part.walk;
    open_.push(std::move(node));
  }
}

/// Whether what is open is left to others: more than a grain has been done, and more is to be done.
bool BranchBound::Tree::leaves(double done) const {
  const Frontier* frontier = inputs_.frontier;
  return frontier != nullptr && !open_.best().walk && done > frontier->grain && cost_of_open() > frontier->grain;
}

double BranchBound::Tree::cost_of(const Node& node) const {
  if (node.walk) return node.walk->cost;
  const Row& row = row_of(node);
  return enumeration_cost(row.problem, row.live, left(node.decisions), static_cast<Index>(node.decisions.alive.size()));
}

/// Of enumerating all open nodes whose inputs are prepared; infinite where one is not.
double BranchBound::Tree::cost_of_open() const {
  double cost = 0;
  for (const Node& node : open_.nodes()) cost += prepared(node) ? cost_of(node) : std::numeric_limits<double>::infinity();
  return cost;
}

/// Hand over the open nodes, to be bounded further.
void BranchBound::Tree::leave_nodes() {
  for (const Node& node : open_.sorted())
    if (node.bound > level())
      inputs_.frontier->open.push_back({static_cast<Index>(node.row), node.bound, prepared(node) ? cost_of(node) : 0,
                                        node.decisions, node.first, node.walk, node.objectives});
}

/// Hand over the walk through the open nodes in shares of about one grain.
void BranchBound::Tree::leave_walks() {
  for (const Node& node : open_.sorted())
    if (node.bound > level()) divide(node);
}

/// The walk through a node goes by the first failure that changes something. Where that is one component and there is more
/// than a grain behind it, it is a node again: it fails, and what comes before it does not. Sets in which something
/// before it fails and changes nothing do the same harm as those without that.
void BranchBound::Tree::divide(const Node& node) {
  interruption_point();
  const Row& row = row_of(node);
  const Choices rest = choices_.restricted(node.decisions.failed, node.decisions.alive);
  const Layered walk(row.problem, rest, row.noise, incumbent_, budget_);
  const std::vector<Index> counts = left(node.decisions);
  const Live live(row.problem, rest, node.decisions);
  double open = 0;
  for (Index n : counts) open += static_cast<double>(n);
  OpenPart share{static_cast<Index>(node.row), node.bound, 0, node.decisions, false, Walked{}, {}};
  const auto leave = [&](std::uint64_t next) {
    share.walk->last = next;
    share.walk->cost = share.cost;
    if (share.walk->first < next) inputs_.frontier->open.push_back(share);
    share.walk->first = next;
    share.cost = 0;
  };
  std::vector<Site> before;
  for (std::uint64_t n = 0; n < walk.parts(); ++n) {
    const Layered::Part part = walk.part(n);
    const double cost = live.step() * live.sets(part, open);
    const Option* one = part.last == part.first + 1 ? &rest.stages[part.stage].options[part.first] : nullptr;
    if (one != nullptr && cost > inputs_.frontier->grain && open > 1 && !choices_.overlapping && counts[one->quota] > 0) {
      leave(n);
      share.walk->first = n + 1;
      Node child{node.bound, 0, node.row, node.decisions, {}, {}, false};
      child.decisions.failed.push_back(*one);
      child.decisions.alive.insert(child.decisions.alive.end(), before.begin(), before.end());
      divide(child);
    } else {
      if (share.cost + cost > inputs_.frontier->grain) leave(n);
      share.cost += cost;
    }
    for (std::size_t p = part.first; p < part.last; ++p) before.push_back(rest.stages[part.stage].options[p].site);
  }
  leave(walk.parts());
}

BranchBound::Tree::Live::Live(const Layered::Problem& problem, const Choices& rest, const Decisions& decisions) {
  std::vector<Forced> failed;
  for (const Option& option : decisions.failed) failed.push_back({option.site, option.value});
  std::sort(failed.begin(), failed.end(), [](const Forced& a, const Forced& b) { return a.site < b.site; });
  const Trace state = trace(problem.network, problem.input, failed);
  step_ = state_cost(problem.network);
  double behind = 0;
  behind_.resize(rest.stages.size());
  for (std::size_t s = rest.stages.size(); s-- > 0;) {
    const std::vector<Option>& options = rest.stages[s].options;
    behind_[s].resize(options.size() + 1);
    behind_[s].back() = behind;
    for (std::size_t p = options.size(); p-- > 0;) {
      if (s < neuron_stage(problem.network.depth()) && changes(options[p], state)) ++behind;  // the last stage is closed by selection
      behind_[s][p] = behind;
    }
  }
}

double BranchBound::Tree::Live::sets(const Layered::Part& part, double open) const {
  if (part.stage >= behind_.size()) return 1;
  const std::vector<double>& behind = behind_[part.stage];
  return sets_of(behind[part.first], open) - sets_of(behind[part.last], open);
}

}  // namespace withstand::search
