// SPDX-License-Identifier: MIT
#include "search/branch_bound.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include "tree.hpp"
#include "core/rounding.hpp"

namespace withstand::search {
namespace {

std::vector<Index> all_objectives(const Harm& harm) {
  std::vector<Index> all(static_cast<std::size_t>(harm.rows().rows()));
  std::iota(all.begin(), all.end(), Index{0});
  return all;
}

void require_objectives(const std::vector<Index>& some, const Harm& harm) {
  const auto is_one = [&](Index o) { return 0 <= o && o < harm.rows().rows(); };
  if (!std::all_of(some.begin(), some.end(), is_one))
    throw std::invalid_argument("an open part is of an objective that the harm does not have");
}

}  // namespace

double BranchBound::Tree::level() const {
  const double harm = incumbent_.harm();
  return std::isfinite(harm) ? harm + tie(harm, scale_) : harm;
}

std::vector<Index> BranchBound::Tree::left(const Decisions& decisions) const {
  std::vector<Index> counts;
  for (const Choices::Quota& quota : choices_.quotas) counts.push_back(quota.count);
  for (const Option& option : decisions.failed) --counts[option.quota];
  return counts;
}

BranchBound::Tree::Tree(const Choices& choices, Inputs inputs, Incumbent& incumbent, Budget& budget, int threads,
                        double gap, double bounding, Recorder& recorder)
    : choices_(choices), inputs_(std::move(inputs)), rows_(inputs_.count),
      known_(Vector::Constant(static_cast<Index>(inputs_.count), inputs_.ceiling)), incumbent_(incumbent), budget_(budget),
      threads_(threads), gap_(gap), bounding_(inputs_.relaxation ? bounding : 0), recorder_(recorder),
      asking_(inputs_.opinions.seconds()) {
  workers_.resize(static_cast<std::size_t>(workers(std::numeric_limits<std::uint64_t>::max(), threads)));
  start();
}

/// The best open nodes, at most so many, that are as far as the first of them.
std::vector<BranchBound::Tree::Node> BranchBound::Tree::pop_some(std::size_t most) {
  const bool far = prepared(open_.best());
  return open_.take(most, [&](const Node& node) { return node.bound > level() && prepared(node) == far; });
}

/// From 0 to 1: how much of the best open bound has been attained. Bounds far above the truth are not worth much work,
/// but a poor first witness must not end all bounding.
double BranchBound::Tree::promise() const {
  const Harm& harm = row_of(open_.best()).problem.harm;
  const double intact = harm(harm.nominal());
  const double attained = (incumbent_.harm() - intact) / (open_.best().bound - intact);
  return open_.taken() == 0 || !(attained >= 0) ? 1 : std::max(0.02, std::min(1.0, attained));
}

bool BranchBound::Tree::reached_gap() const {
  const double top = upper();
  return std::isfinite(top) && top - incumbent_.harm() <= gap_ * std::abs(top);
}

/// Bounds hold in real arithmetic; what has been evaluated may do more harm there than was computed.
double BranchBound::Tree::upper() const {
  double bound = std::max(open_.bound(), incumbent_.above());
  if (open_.empty() && relaxed_) bound = std::max(bound, level());  // how near the level bounds end depends on the threads
  return std::max(incumbent_.harm(), std::min(bound, known_.maxCoeff()));
}

/// What is no better than the level is not left to others.
double BranchBound::Tree::closed() const {
  const double bound = std::max({open_.closed(), incumbent_.above(), level()});
  return std::max(incumbent_.harm(), std::min(bound, known_.maxCoeff()));
}

void BranchBound::Tree::run() {
  as_far_as_it_goes([&] { search(); });  // what is open stays open, and so do its bounds
  as_far_as_it_goes([&] { consult(budget_.reason() == Budget::Stop::time ? infinity : work_ + Opinions::cheap); });
}

void BranchBound::Tree::search() {
  if (inputs_.frontier != nullptr && !inputs_.frontier->from.empty())  // several parts are of one input
    prepare(open_.take_all([](const Node&) { return true; }));
  while (!open_.empty() && budget_.poll(open_.taken())) {
    if (open_.best().bound <= level()) {  // the best bound first: nothing better is left
      open_.close(open_.best().bound);
      record_open();
      open_.clear();
      return;
    }
    if ((gap_ > 0 && reached_gap()) || budget_.used_up()) return;
    consult(much_time() ? infinity : Opinions::patience * work_ + (budget_.timed() ? inputs_.opinions.few_passes() : 0));
    if (!prepared(open_.best())) prepare(pop_some(4 * workers_.size()));
    else if (leaves(work_)) return leave_nodes();
    else if (bounding_ == 0 || open_.best().walk || work_ > bounding_ * promise() * allowance_) return enumerate_rest();
    else if (!probed_ && !recorder_.listens() && work_ > 0.02 * bounding_ * promise() * allowance_) probe();
    else round();
  }
}

/// Take up inputs; every one comes back as a node with a bound of its own.
void BranchBound::Tree::prepare(std::vector<Node> batch) {
  as_far_as_it_goes([&] {
    std::vector<std::size_t> rows;
    for (const Node& root : batch) rows.push_back(root.row);
    std::sort(rows.begin(), rows.end());
    rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
    parallel_for(rows.size(), threads_, [&](std::uint64_t n, int) { rows_[rows[n]].emplace(inputs_.prepare(rows[n])); });
  });
  for (Node& root : batch) {
    if (prepared(root)) {
      const Row& row = row_of(root);
      root.bound = recorder_.listens() ? row.ceiling : std::min(root.bound, row.ceiling);
      require_objectives(root.objectives, row.problem.harm);
      if (root.objectives.empty()) root.objectives = all_objectives(row.problem.harm);
      if (row.problem.precise != nullptr) error_ = std::max(error_, row.problem.precise->error());
      scale_ = std::max(scale_, row.scale);
      allowance_ += cost_of(root);
    }
    open_.push(std::move(root));
  }
}

/// Whether other methods are to be asked whatever has been done: a tenth of the time has gone, or they take much of it,
/// and so may a node.
bool BranchBound::Tree::much_time() const {
  return budget_.elapsed() > 0.1 || (budget_.timed() && asking_ > 0.01 * budget_.remaining());
}

/// Lower the bounds of open nodes to what other methods say of their inputs, as far as so much work is worth it.
void BranchBound::Tree::consult(double work) {
  open_.consult(inputs_.opinions, work, [&](const Vector& known) { known_ = known_.cwiseMin(known); });
}

BranchBound::Tree::Tools& BranchBound::Tree::tools(Worker& worker, std::size_t row) {
  Tools& found = worker.tools[row % worker.tools.size()];
  if (found.row != row) found = {row, nullptr, nullptr};
  return found;
}

Relaxation& BranchBound::Tree::relaxation(Worker& worker, std::size_t row) const {
  Tools& found = tools(worker, row);
  if (!found.relaxation) found.relaxation = inputs_.relaxation(row);
  return *found.relaxation;
}

/// Take up the best open nodes, one per worker.
void BranchBound::Tree::round() {
  const bool cheap_bounds = inputs_.cost < worth_a_thread;
  const auto one = [&](const Node& node, int worker) { return process(node, workers_[static_cast<std::size_t>(worker)]); };
  open_.round(pop_some(cheap_bounds ? 1 : workers_.size()), threads_, budget_, one, [&](Outcome& outcome) {
    work_ += outcome.work;
    relaxed_ = relaxed_ || outcome.relaxed;
    for (const Leaf& leaf : outcome.leaves) recorder_.add(leaf.kind, leaf.input_index, leaf.decisions, leaf.bound);
  });
}

BranchBound::BranchBound(const Choices& choices, Inputs inputs, Incumbent& incumbent, Budget& budget, int threads,
                         double gap, double bounding, Recorder& recorder)
    : tree_(std::make_unique<Tree>(choices, std::move(inputs), incumbent, budget, threads, gap, bounding, recorder)) {}
BranchBound::~BranchBound() = default;

void BranchBound::run() {
  tree_->run();
  tree_->record_open();
}
double BranchBound::upper() const { return tree_->upper(); }
double BranchBound::error() const { return tree_->error(); }
double BranchBound::scale() const { return tree_->scale(); }
double BranchBound::closed() const { return tree_->closed(); }
std::uint64_t BranchBound::bounds() const { return tree_->bounds(); }
std::uint64_t BranchBound::evaluations() const { return tree_->evaluations(); }

}  // namespace withstand::search
