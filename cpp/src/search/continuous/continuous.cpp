// SPDX-License-Identifier: MIT
#include "search/continuous/continuous.hpp"

#include <algorithm>
#include <cmath>

#include "search/continuous/tree.hpp"
#include "evaluate/ranges.hpp"

namespace withstand::search {
namespace {

/// The interval is closed where it is this narrow, relatively: halving an interval of a smooth function never ends.
constexpr double resolution = 1e-6;
/// Halves of a range have their parent's witness: only some look for a better one, which costs more than a bound.
constexpr std::uint64_t attempt_every = 16;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

Continuous::Tree::Tree(const Network& net, const Space& space, const Domain& domain, Goal goal, Incumbent& incumbent,
                       Budget& budget, int threads, double gap, double ceiling, Opinions& opinions)
    : net_(net), space_(space), goal_(goal), incumbent_(incumbent), budget_(budget), threads_(threads),
      gap_(std::max(gap, resolution)), opinions_(opinions), cost_(cost_of_linear(net)), execution_(net, space, goal) {
  for (Index n = 0; n < domain.size(); ++n) {
    const Vector lower = domain.lower.row(n).transpose(), upper = domain.upper.row(n).transpose();
    push({ceiling, 0, n, lower, upper, Restriction(space), nullptr, nullptr});
  }
}

void Continuous::Tree::push(Node node) {
  node.id = created_++;
  open_.push_back(std::move(node));
  std::push_heap(open_.begin(), open_.end(), later);
}

bool Continuous::Tree::closed(double bound) const {
  if (bound <= incumbent_.harm()) return true;
  return std::isfinite(bound) && bound - incumbent_.harm() <= gap_ * std::abs(bound);
}

double Continuous::Tree::upper() const {
  double bound = std::max(closed_, incumbent_.harm());
  for (const Node& node : open_) bound = std::max(bound, node.bound);
  return bound;
}

void Continuous::Tree::run() {
  try {
    search();
  } catch (const Interrupted&) {  // what is open stays open
  }
  try {
    const double paid = static_cast<double>(bounds_) * cost_ + Opinions::cheap;
    if (!open_.empty() && !closed(open_.front().bound))
      consult(budget_.reason() == Budget::Stop::time ? std::numeric_limits<double>::infinity() : paid);
  } catch (const Interrupted&) {  // so do its bounds
  }
}

/// Lower the bounds of open nodes to what other methods say of their rows, as far as so much work is worth it.
void Continuous::Tree::consult(double work) {
  while (const std::optional<Vector> known = opinions_.next(work)) {
    for (Node& node : open_) node.bound = std::min(node.bound, (*known)(node.row));
    std::make_heap(open_.begin(), open_.end(), later);
  }
}

/// Whether other methods are to be asked whatever has been done: a tenth of the time has gone, or they or the climb to the
/// first witness take much of it.
bool Continuous::Tree::much_time() const {
  const double climb = 4e-9 * static_cast<double>(net_.inputs()) * net_.map(1).cost();
  return budget_.elapsed() > 0.1 || (budget_.timed() && opinions_.seconds() + climb > 0.01 * budget_.remaining());
}

void Continuous::Tree::search() {
  while (!open_.empty() && budget_.poll(created_)) {
    if (closed(open_.front().bound)) return;  // the best bound first: the others are no better
    if (budget_.used_up()) return;
    const double paid = Opinions::patience * static_cast<double>(bounds_) * cost_;
    consult(much_time() ? std::numeric_limits<double>::infinity() : paid + (budget_.timed() ? opinions_.few_passes() : 0));
    std::vector<Node> batch;
    const auto team = static_cast<std::size_t>(workers(std::numeric_limits<std::uint64_t>::max(), threads_));
    while (!open_.empty() && batch.size() < team && !closed(open_.front().bound)) {
      std::pop_heap(open_.begin(), open_.end(), later);
      batch.push_back(std::move(open_.back()));
      open_.pop_back();
    }
    std::vector<Outcome> outcomes(batch.size());
    parallel_for(batch.size(), threads_, [&](std::uint64_t n, int) {
      try {
        outcomes[n] = process(batch[n]);
      } catch (const Interrupted&) {
        outcomes[n].whole = false;
      }
    });
    std::size_t whole = 0;
    for (std::size_t n = 0; n < batch.size(); ++n) {
      Outcome& outcome = outcomes[n];
      if (!outcome.whole) {
        push(std::move(batch[n]));
        continue;
      }
      ++whole;
      closed_ = std::max(closed_, outcome.closed);
      for (Node& child : outcome.children) push(std::move(child));
    }
    bounds_ += whole;
    budget_.spend(whole);
  }
}

/// What is maximised over this box: errors up and down, or every lead over an output that may be the intact class.
Matrix Continuous::Tree::objectives(const Node& node) const {
  const Index m = net_.outputs();
  if (goal_ == Goal::error) {
    Matrix rows(2 * m, m);
    rows << Matrix::Identity(m, m), -Matrix::Identity(m, m);
    return rows;
  }
  const Activation& psi = net_.activation(net_.layers());
  const LayerRange& pre = node.linear->nominal().back();
  const double most = below(psi, pre.lower.maxCoeff());  // a smooth psi need not be monotone in its last digit
  std::vector<std::pair<Index, Index>> pairs;
  for (Index c = 0; c < m; ++c)
    for (Index j = 0; j < m; ++j)
      if (j != c && above(psi, pre.upper(c)) >= most) pairs.emplace_back(c, j);
  Matrix rows = Matrix::Zero(static_cast<Index>(pairs.size()), m);
  for (std::size_t r = 0; r < pairs.size(); ++r) {
    rows(static_cast<Index>(r), pairs[r].second) = 1;
    rows(static_cast<Index>(r), pairs[r].first) = -1;
  }
  return rows;
}

Continuous::Tree::Outcome Continuous::Tree::process(const Node& taken) {
  Outcome out;
  Node node = taken;
  if (!node.linear) node.linear = std::make_shared<const LinearBound>(net_, space_, node.lower, node.upper);
  LinearBound bound(*node.linear);
  const Matrix rows = objectives(node);
  const LinearResult result = bound(node.restriction, rows, node.ranges.get());
  Index best = 0;
  const Vector& harms = goal_ == Goal::error ? result.deviation : result.faulty;
  const double proved = std::min(node.bound, harms.maxCoeff(&best));
  if (closed(proved)) {
    out.closed = proved;
    return out;
  }
  node.bound = proved;
  std::vector<Gain> along = selection(node, result, best, false);
  const bool none = incumbent_.harm() == -std::numeric_limits<double>::infinity();
  if (none || !along.empty() || node.id % attempt_every == 0) attempt(node, along);
  if (!goes_on()) {
    out.children.push_back(std::move(node));
    return out;
  }
  if (closed(proved)) {
    out.closed = proved;
    return out;
  }
  Node parent = node;
  parent.bound = proved;
  parent.ranges = std::make_shared<const LinearRanges>(result.ranges);
  // At a point of inputs, who fails is decided before receivers are split: the values of undecided ones are not.
  if (along.empty() && node.lower == node.upper) along = selection(node, result, best, true);
  if (along.empty() && split_ranges(parent, out)) return out;
  if (along.empty()) along = selection(node, result, best, true);
  if (along.empty()) out.closed = proved;  // nothing is left to decide
  else split_failures(parent, along, out);
  return out;
}

/// What the bound selects, each component once; where a number of failures is prescribed, at least one undecided one, and
/// where nothing else is left to decide, any: a bound may be too blunt to gain by a failure that does harm.
std::vector<Gain> Continuous::Tree::selection(const Node& node, const LinearResult& result, Index row, bool any) const {
  std::vector<Gain> along;
  Restriction rest = node.restriction;
  const auto take = [&](const Gain& gain) {
    const bool decided =
        std::any_of(rest.failed.begin(), rest.failed.end(), [&](const auto& f) { return f.site == gain.site; }) ||
        std::find(rest.alive.begin(), rest.alive.end(), gain.site) != rest.alive.end();
    if (decided || rest.remaining(space_, gain.term, gain.site.layer) <= 0) return;
    rest.fail(space_, gain.site, gain.term);
    along.push_back(gain);
  };
  for (const Gain& gain : result.selected(row)) take(gain);
  for (std::size_t t = 0; t < space_.terms().size(); ++t)
    if (space_.terms()[t].failure.exactly || (any && space_.terms()[t].failure.effect != Effect::noise))
      for (const auto& sites : space_.terms()[t].sites)
        for (const Site& site : sites) take({site, t, 0});
  return along;
}

void Continuous::Tree::attempt(const Node& node, const std::vector<Gain>& along) {
  Restriction guess = node.restriction;
  for (const Gain& gain : along) guess.fail(space_, gain.site, gain.term);
  for (std::size_t t = 0; t < space_.terms().size(); ++t)  // no witness while prescribed failures are missing
    for (Index left : guess.left[t])
      if (space_.terms()[t].failure.exactly && left > 0) return;
  for (std::size_t f = 0; f < node.restriction.failed.size(); ++f) guess.failed[f] = node.restriction.failed[f];
  const auto components = execution_.components(guess);
  const int rounds = along.empty() && node.restriction.failed.size() > 0 ? 0 : 2;
  const Execution::Point point = execution_.climb(components, node.lower, node.upper, rounds);
  const Harm harm(net_, point.input, goal_);
  incumbent_.offer(net_, harm, point.input, node.row, execution_.forced(components, point));
  ++evaluations_;
}

void Continuous::Tree::split_failures(const Node& node, const std::vector<Gain>& along, Outcome& out) const {
  Node taken = node;
  for (const Gain& gain : along) {
    Node child = taken;
    child.restriction.alive.push_back(gain.site);
    out.children.push_back(std::move(child));
    for (std::size_t t = 0; t < space_.terms().size(); ++t) {  // the component may also fail in another way
      const auto& sites = space_.terms()[t].sites[at(gain.site.layer)];
      if (t == gain.term || !std::binary_search(sites.begin(), sites.end(), gain.site)) continue;
      if (taken.restriction.remaining(space_, t, gain.site.layer) <= 0) continue;
      Node otherwise = taken;
      otherwise.restriction.fail(space_, gain.site, t);
      out.children.push_back(std::move(otherwise));
    }
    taken.restriction.fail(space_, gain.site, gain.term);
  }
  out.children.push_back(std::move(taken));
}

Continuous::Continuous(const Network& net, const Space& space, const Domain& domain, Goal goal, Incumbent& incumbent,
                       Budget& budget, int threads, double gap, double ceiling, Opinions& opinions)
    : tree_(std::make_unique<Tree>(net, space, domain, goal, incumbent, budget, threads, gap, ceiling, opinions)) {}
Continuous::~Continuous() = default;

void Continuous::run() { tree_->run(); }
double Continuous::upper() const { return tree_->upper(); }
std::uint64_t Continuous::evaluations() const { return tree_->evaluations(); }

}  // namespace withstand::search
