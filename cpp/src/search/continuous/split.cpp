// SPDX-License-Identifier: MIT
// How a node whose failures are decided is split: values, inputs, receivers.
#include <algorithm>
#include <cmath>

#include "core/index.hpp"
#include "search/continuous/tree.hpp"

namespace withstand::search {
namespace {

/// The kink of a piecewise-linear activation that lies deepest inside a range, and how deep; not positive: none does.
std::pair<double, double> deepest_kink(const Activation& phi, double lower, double upper) {
  std::pair<double, double> best{0, 0};
  if (!phi.piecewise_linear()) return best;
  for (int k = 0; k < phi.pieces().corners; ++k) {
    const double kink = phi.pieces().corner[k] / phi.gain();
    const double depth = std::min(upper - kink, kink - lower);
    if (depth > best.second) best = {kink, depth};
  }
  return best;
}

/// Some failed component may send any of several values.
bool has_values(const Restriction& restriction) {
  return std::any_of(restriction.failed.begin(), restriction.failed.end(),
                     [](const Restriction::Failed& failed) { return failed.upper > failed.lower; });
}

}  // namespace

/// By objective, or by the pieces of a receiver, where the relaxation says so.
bool Continuous::Tree::split_as_told(const Node& node, const BoxRelaxation::Result& result, Outcome& out) const {
  for (const auto& [objective, bound] : result.objectives) {
    out.children.push_back(node);
    out.children.back().objective = objective;
    out.children.back().bound = std::min(node.bound, bound);
  }
  if (!out.children.empty()) out.closed = std::min(node.bound, result.others);
  if (!out.children.empty() || has_values(node.restriction)) return !out.children.empty();  // values first
  for (const Restriction::Piece& piece : result.pieces) {
    out.children.push_back(node);
    out.children.back().restriction.pieces.push_back(piece);
  }
  return !out.children.empty();
}

bool Continuous::Tree::split_ranges(const Node& node, Outcome& out) const {
  const auto components = execution_.components(node.restriction);
  if (!has_values(node.restriction) && node.varying() > few_inputs && split_receiver(node, out)) return true;
  const Vector change = execution_.sensitivity(components, node.lower, node.upper).cwiseAbs();
  const Index d = node.lower.size();
  Index best = -1;
  const auto width = [&](Index n) {
    if (n < d) return node.upper(n) - node.lower(n);
    const Restriction::Failed& failed = components[at(n - d)];
    const bool decided = is_counted(space_.terms()[failed.term].failure.effect);
    return decided ? failed.upper - failed.lower : 0.0;
  };
  const auto score = [&](Index n) { return change(n) + 1e-9 * width(n); };
  Index wide = 0;
  for (Index n = 0; n < change.size(); ++n) {
    if (!(width(n) > 1e-12)) continue;
    wide += n < d ? 1 : 0;
    if (best < 0 || score(n) > score(best)) best = n;
  }
  const bool value = best >= d;
  if (!value && (wide > few_inputs || best < 0) && split_receiver(node, out)) return true;
  if (best < 0) return false;
  if (!value) {
    halve(node, best, out);
    return true;
  }
  const Site site = components[at(best - d)].site;
  for (const bool upper_half : {false, true}) {
    Node child = node;
    for (Restriction::Failed& failed : child.restriction.failed) {
      if (failed.site != site) continue;
      const double middle = failed.lower + (failed.upper - failed.lower) / 2;
      (upper_half ? failed.lower : failed.upper) = middle;
    }
    out.children.push_back(std::move(child));
  }
  return true;
}

void Continuous::Tree::halve(const Node& node, Index n, Outcome& out) const {
  const double middle = node.lower(n) + (node.upper(n) - node.lower(n)) / 2;
  for (const bool upper_half : {false, true}) {
    Node child = node;
    (upper_half ? child.lower : child.upper)(n) = middle;
    child.relaxation.reset();  // prepared when it is taken up
    out.children.push_back(std::move(child));
  }
}

/// The receiver whose activation is least straight over its range, weighted by what leaves it: at its kink.
bool Continuous::Tree::split_receiver(const Node& node, Outcome& out) const {
  Index layer = 0, neuron = 0;
  double most = 0, kink = 0;
  for (Index l = 1; l <= net_.depth(); ++l) {
    const LayerRange& range = node.proved->receivers()[at(l)];
    const Affine& next = net_.map(l + 1);
    Vector column;
    for (Index j = 0; j < net_.width(l); ++j) {
      const auto [where, bend] = deepest_kink(net_.activation(l, j), range.lower(j), range.upper(j));
      const double weight = Eigen::Map<const Vector>(next.column(j, column), next.rows()).cwiseAbs().sum();
      if (bend > 1e-12 && bend * weight > most) most = bend * weight, kink = where, layer = l, neuron = j;
    }
  }
  if (layer == 0) return false;
  for (const bool positive : {false, true}) {
    Node child = node;
    const LayerRange& range = node.proved->receivers()[at(layer)];
    child.restriction.pieces.push_back(
        {layer, neuron, positive ? kink : range.lower(neuron), positive ? range.upper(neuron) : kink});
    out.children.push_back(std::move(child));
  }
  return true;
}

}  // namespace withstand::search
