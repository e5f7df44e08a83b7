// SPDX-License-Identifier: MIT
// What is done with one node: bounds, its first witnesses, leaves, children.
#include <algorithm>
#include <cmath>

#include "tree.hpp"
#include "core/rounding.hpp"
#include "search/threshold.hpp"

namespace withstand::search {
namespace {

const Site& site_of(const Option& option) { return option.site; }
const Site& site_of(const Site& site) { return site; }

bool affordable(const std::vector<Option>& taken, std::vector<Index> counts) {
  return std::all_of(taken.begin(), taken.end(), [&](const Option& option) { return --counts[option.quota] >= 0; });
}

}  // namespace

BranchBound::Tree::Outcome BranchBound::Tree::process(const Node& node, Worker& worker) {
  Outcome out;
  if (enumerate(node, out)) return out;
  out.work = inputs_.cost;
  out.relaxed = true;
  const double enough = node.first || recorder_.listens() ? infinity : level();
  const Relaxation::Result result =
      relaxation(worker, node.row).bound(node.decisions, node.objectives, node.hints, enough);
  std::vector<const ObjectiveBound*> open = above(result.objectives, node.bound, out);
  if (open.empty()) {
    leaf(node, node.decisions, Leaf::Kind::bounded, out.closed, out);
    return out;
  }
  const std::vector<Index> counts = left(node.decisions);
  std::vector<Option> chosen = selection(*open.front(), counts);
  if (const Option* next = chosen.empty() ? undecided(node.decisions, counts) : nullptr) chosen.push_back(*next);
  attempt(node, worker, chosen, *open.front());
  for (std::size_t n = 1; node.first && n < open.size(); ++n)
    attempt(node, worker, selection(*open[n], counts), *open[n]);
  open = above(result.objectives, node.bound, out);
  if (open.empty()) leaf(node, node.decisions, Leaf::Kind::bounded, out.closed, out);
  if (open.empty() || (!recorder_.listens() && evaluate_all(node, worker, open, counts, out))) return out;
  if (node.first && !recorder_.listens()) out.children.push_back(second(node, open, result.hints));
  else split(node, open, counts, chosen, result.hints, out);
  return out;
}

/// Objectives that may still do better, best first; the others are closed.
std::vector<const ObjectiveBound*> BranchBound::Tree::above(const std::vector<ObjectiveBound>& bounds, double inherited,
                                                            Outcome& out) const {
  std::vector<const ObjectiveBound*> open;
  for (const ObjectiveBound& bound : bounds)
    if (std::min(bound.harm, inherited) > level())
      open.push_back(&bound);
    else
      out.closed = std::max(out.closed, std::min(bound.harm, inherited));
  std::stable_sort(open.begin(), open.end(), [](auto* a, auto* b) { return a->harm > b->harm; });
  return open;
}

void BranchBound::Tree::leaf(const Node& node, const Decisions& decisions, Leaf::Kind kind, double bound,
                             Outcome& out) const {
  if (recorder_.listens()) out.leaves.push_back({kind, row_of(node).problem.input_index, decisions, bound});
}

void BranchBound::Tree::record_open() {
  for (const Node& node : open_.nodes())
    recorder_.add(Leaf::Kind::bounded, static_cast<Index>(node.row), node.decisions, node.bound);
}

/// The first option that is neither taken nor excluded.
const Option* BranchBound::Tree::undecided(const Decisions& decisions, const std::vector<Index>& counts) const {
  for (const Choices::Stage& stage : choices_.stages)
    for (const Option& option : stage.options) {
      const auto same = [&](const auto& other) { return site_of(other) == option.site; };
      if (counts[option.quota] > 0 && std::none_of(decisions.failed.begin(), decisions.failed.end(), same) &&
          std::none_of(decisions.alive.begin(), decisions.alive.end(), same))
        return &option;
    }
  return nullptr;
}

/// The root once more, with a harm to beat: the first bounds of all inputs are quick ones, for their witnesses.
BranchBound::Tree::Node BranchBound::Tree::second(const Node& root, const std::vector<const ObjectiveBound*>& open,
                                                  const std::shared_ptr<const void>& hints) {
  Node node{std::min(root.bound, open.front()->harm), 0, root.row, root.decisions, {}, hints, false};
  for (const ObjectiveBound* bound : open) node.objectives.push_back(bound->objective);
  return node;
}

/// Children along the selection; their bounds are what the parent's linear bound says of them.
void BranchBound::Tree::split(const Node& node, const std::vector<const ObjectiveBound*>& open,
                              const std::vector<Index>& counts, const std::vector<Option>& along,
                              const std::shared_ptr<const void>& hints, Outcome& out) const {
  Index remaining = 0;
  for (Index n : counts) remaining += n;
  if (along.empty()) return leaf(node, node.decisions, Leaf::Kind::enumerated, 0, out);  // the one set has been tried
  const auto add = [&](const std::vector<Option>& taken, const std::vector<Site>& excluded) {
    Node child{-std::numeric_limits<double>::infinity(), 0, node.row, node.decisions, {}, hints, false};
    for (const ObjectiveBound* bound : open) {
      const double harm = std::min(node.bound, completed(*bound, counts, taken, excluded));
      if (harm > level()) child.objectives.push_back(bound->objective);
      else out.closed = std::max(out.closed, harm);
      child.bound = std::max(child.bound, harm);
    }
    child.decisions.failed.insert(child.decisions.failed.end(), taken.begin(), taken.end());
    child.decisions.alive.insert(child.decisions.alive.end(), excluded.begin(), excluded.end());
    if (child.objectives.empty()) return leaf(node, child.decisions, Leaf::Kind::bounded, child.bound, out);
    out.children.push_back(std::move(child));
  };
  std::vector<Option> taken;
  for (const Option& option : along) {
    add(taken, {option.site});
    if (choices_.overlapping)  // the component may also fail in another way
      for (const Option& other : choices_.stages[stage_of(option.site)].options) {
        if (other.site != option.site || (other.quota == option.quota && other.way == option.way)) continue;
        std::vector<Option> otherwise = taken;
        otherwise.push_back(other);
        if (affordable(otherwise, counts)) add(otherwise, {});
      }
    taken.push_back(option);
  }
  if (remaining > static_cast<Index>(along.size())) return add(taken, {});
  Decisions only = node.decisions;  // the selection, which has been tried
  only.failed.insert(only.failed.end(), taken.begin(), taken.end());
  leaf(node, only, Leaf::Kind::enumerated, 0, out);
}

}  // namespace withstand::search
