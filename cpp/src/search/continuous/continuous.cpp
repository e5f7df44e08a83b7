// SPDX-License-Identifier: MIT
#include "search/continuous/continuous.hpp"

#include <algorithm>
#include <cmath>

#include "core/index.hpp"
#include "search/continuous/tree.hpp"

namespace withstand::search {
namespace {

/// The interval is closed where it is this narrow, relatively: halving an interval of a smooth function never ends.
constexpr double resolution = 1e-6;
/// Halves of a range have their parent's witness: only some look for a better one, which costs more than a bound.
constexpr std::uint64_t attempt_every = 16;

}  // namespace

Continuous::Tree::Tree(const Network& net, const Space& space, const Domain& domain, Goal goal, Incumbent& incumbent,
                       Budget& budget, int threads, double gap, double ceiling, BoxRelaxations boxes, Opinions& opinions)
    : net_(net), space_(space), goal_(goal), incumbent_(incumbent), budget_(budget), threads_(threads),
      gap_(std::max(gap, resolution)), boxes_(std::move(boxes)), opinions_(opinions), execution_(net, space, goal) {
  for (Index n = 0; n < domain.size(); ++n) {
    const Vector lower = domain.lower.row(n).transpose(), upper = domain.upper.row(n).transpose();
    open_.push({ceiling, 0, n, lower, upper, Restriction(space), nullptr, nullptr, -1});
  }
}

bool Continuous::Tree::closed(double bound) const {
  if (bound <= incumbent_.harm()) return true;
  return std::isfinite(bound) && bound - incumbent_.harm() <= gap_ * std::abs(bound);
}

/// A bound that is as low is closed.
double Continuous::Tree::enough() const {
  const double harm = incumbent_.harm();
  return harm > 0 && gap_ < 1 ? harm / (1 - gap_) * (1 - 1e-12) : harm;
}

double Continuous::Tree::upper() const { return std::max(incumbent_.harm(), std::min(open_.bound(), known_)); }

void Continuous::Tree::run() {
  as_far_as_it_goes([&] { search(); });  // what is open stays open, and so do its bounds
  const double paid = static_cast<double>(open_.taken()) * boxes_.cost + Opinions::cheap;
  as_far_as_it_goes([&] {
    const bool limited = budget_.reason() != Budget::Stop::none;
    if (!open_.empty() && (limited || !closed(open_.best().bound)))  // "closed" is up to rounding, and a bound may be less
      consult(budget_.reason() == Budget::Stop::time ? std::numeric_limits<double>::infinity() : paid);
  });
}

/// Lower the bounds of open nodes to what other methods say of their rows, as far as so much work is worth it.
void Continuous::Tree::consult(double work) {
  open_.consult(opinions_, work, [this](const Vector& known) { known_ = std::min(known_, known.maxCoeff()); });
}

/// Whether other methods are to be asked whatever has been done: a tenth of the time has gone, or they or the climb to the
/// first witness take much of it.
bool Continuous::Tree::much_time() const {
  const double climb = 4e-9 * static_cast<double>(net_.inputs()) * net_.map(1).cost();
  return budget_.elapsed() > 0.1 || (budget_.timed() && opinions_.seconds() + climb > 0.01 * budget_.remaining());
}

void Continuous::Tree::search() {
  const auto team = static_cast<std::size_t>(workers(std::numeric_limits<std::uint64_t>::max(), threads_));
  while (!open_.empty() && budget_.poll(open_.created())) {
    if (closed(open_.best().bound)) return;  // the best bound first: the others are no better
    if (budget_.used_up()) return;
    const double paid = Opinions::patience * static_cast<double>(open_.taken()) * boxes_.cost;
    consult(much_time() ? std::numeric_limits<double>::infinity() : paid + (budget_.timed() ? opinions_.few_passes() : 0));
    std::vector<Node> batch = open_.take(team, [&](const Node& node) { return !closed(node.bound); });
    open_.round(std::move(batch), threads_, budget_, [&](const Node& node, int) { return process(node); },
                [](const Outcome&) {});
  }
}

Continuous::Tree::Outcome Continuous::Tree::process(const Node& taken) {
  Outcome out;
  Node node = taken;
  if (!node.relaxation) node.relaxation = boxes_.over(node.lower, node.upper);
  const double limit = enough();
  const BoxRelaxation::Result result = node.relaxation->bound(node.restriction, node.proved.get(), node.objective, limit);
  const double proved = std::min(node.bound, result.harm);
  if (proved <= limit || closed(proved)) {
    out.closed = proved;
    return out;
  }
  node.bound = proved;
  if (result.input.size() > 0) follow(node, result.input);
  std::vector<Candidate> along = selection(node, result, false);
  const bool none = incumbent_.harm() == -std::numeric_limits<double>::infinity();
  const bool often = !along.empty() && !node.relaxation->decides();  // which names inputs once all is decided
  const bool attempted = none || often || node.id % attempt_every == 0;
  if (attempted) attempt(node, along);
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
  parent.proved = result.proved;
  if (split_as_told(parent, result, out)) return out;
  // Who fails is decided before ranges are split: at a point of inputs, where the values of undecided ones are not, where
  // bounds are much better then, and where the last split has brought nothing.
  const bool before = node.lower == node.upper || node.relaxation->decides() || in_vain(node);
  if (along.empty() && before) along = selection(node, result, true);
  if (along.empty() && split_ranges(parent, out)) {
    for (Node& child : out.children) child.halved = proved;  // failures are decided until that lowers the bound
    return out;
  }
  if (along.empty()) along = selection(node, result, true);
  if (!along.empty()) {
    split_failures(parent, along, out);
    return out;
  }
  if (!attempted) attempt(node, along);  // nothing is left to decide: no child will look for a witness here
  out.closed = proved;
  return out;
}

/// Whether splitting ranges has brought so little that what the bound is above the truth by comes from who fails: less than
/// a tenth of it, or of what one of a few inputs may bring.
bool Continuous::Tree::in_vain(const Node& node) const {
  const Index inputs = node.varying();
  const double hoped = 0.1 / static_cast<double>(inputs > few_inputs ? 1 : std::max<Index>(1, inputs));
  return std::isfinite(node.halved) && node.halved - node.bound < hoped * (node.halved - incumbent_.harm());
}

/// What the bound selects, each component once; where a number of failures is prescribed, at least one undecided one, and
/// where nothing else is left to decide, any: a bound may be too blunt to gain by a failure that does harm.
std::vector<BoxRelaxation::Candidate> Continuous::Tree::selection(const Node& node, const BoxRelaxation::Result& result,
                                                                  bool any) const {
  std::vector<Candidate> along;
  Restriction rest = node.restriction;
  const auto take = [&](const Candidate& candidate) {
    const bool decided =
        std::any_of(rest.failed.begin(), rest.failed.end(), [&](const auto& f) { return f.site == candidate.site; }) ||
        std::find(rest.alive.begin(), rest.alive.end(), candidate.site) != rest.alive.end();
    if (decided || rest.remaining(space_, candidate.term, candidate.site.layer) <= 0) return;
    rest.fail(space_, candidate.site, candidate.term);
    along.push_back(candidate);
  };
  for (const Candidate& candidate : result.selected) take(candidate);
  for (std::size_t n = 0; any && n < result.undecided.size(); ++n) take(result.undecided[n]);
  for (std::size_t t = 0; t < space_.terms().size(); ++t)
    if (space_.terms()[t].failure.exactly || (any && is_counted(space_.terms()[t].failure.effect)))
      for (const auto& sites : space_.terms()[t].sites)
        for (const Site& site : sites) take({site, t});
  return along;
}

/// Replay an input that the relaxation names, values in the middle.
void Continuous::Tree::follow(const Node& node, const Vector& input) {
  const auto components = execution_.components(node.restriction);
  Execution::Point point = execution_.middle(components, node.lower, node.upper);
  point.input = input;
  const Harm harm(net_, point.input, goal_);
  incumbent_.offer(net_, harm, point.input, node.row, execution_.forced(components, point));
  ++evaluations_;
}

void Continuous::Tree::attempt(const Node& node, const std::vector<Candidate>& along) {
  Restriction guess = node.restriction;
  for (const Candidate& candidate : along) guess.fail(space_, candidate.site, candidate.term);
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

void Continuous::Tree::split_failures(const Node& node, const std::vector<Candidate>& along, Outcome& out) const {
  Node taken = node;
  for (const Candidate& candidate : along) {
    Node child = taken;
    child.restriction.alive.push_back(candidate.site);
    out.children.push_back(std::move(child));
    for (std::size_t t = 0; t < space_.terms().size(); ++t) {  // the component may also fail in another way
      if (t == candidate.term || !space_.terms()[t].has(candidate.site)) continue;
      if (taken.restriction.remaining(space_, t, candidate.site.layer) <= 0) continue;
      Node otherwise = taken;
      otherwise.restriction.fail(space_, candidate.site, t);
      out.children.push_back(std::move(otherwise));
    }
    taken.restriction.fail(space_, candidate.site, candidate.term);
  }
  out.children.push_back(std::move(taken));
}

Continuous::Continuous(const Network& net, const Space& space, const Domain& domain, Goal goal, Incumbent& incumbent,
                       Budget& budget, int threads, double gap, double ceiling, BoxRelaxations boxes, Opinions& opinions)
    : tree_(std::make_unique<Tree>(net, space, domain, goal, incumbent, budget, threads, gap, ceiling, std::move(boxes),
                                   opinions)) {}
Continuous::~Continuous() = default;

void Continuous::run() { tree_->run(); }
double Continuous::upper() const { return tree_->upper(); }
std::uint64_t Continuous::evaluations() const { return tree_->evaluations(); }

}  // namespace withstand::search
