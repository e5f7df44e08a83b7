// SPDX-License-Identifier: MIT
#include "evaluator.hpp"

#include <algorithm>

#include "withstand/kernels.hpp"

namespace withstand {
namespace {

constexpr Index columns = 96;  // of a block: a few vector registers wide, and small enough for the first-level cache

}  // namespace

Evaluator::Evaluator(const Problem& problem) : problem_(problem), net_(problem.network), grid_(problem.grid) {
  states_.resize(grid_.stages().size());
  for (const Grid::Stage& stage : grid_.stages()) {
    nodes_.emplace_back(stage.members.size());
    for (std::size_t t = 0; t < stage.members.size(); ++t)
      for (int p : stage.members[t])
        nodes_.back()[t].push_back(static_cast<int>(stage.sites[static_cast<std::size_t>(p)].to));
    synapses_.push_back(std::any_of(stage.sites.begin(), stage.sites.end(), [](const Site& s) { return s.is_synapse(); }));
  }
  pre_.resize(static_cast<std::size_t>(net_.layers()) + 1);
  post_.resize(pre_.size());
  block_.resize(static_cast<std::size_t>(net_.widest() * columns));
  other_.resize(block_.size());
}

void Evaluator::evaluate(const Grid::Batch& batch, Judge& judge) {
  for (Index input = 0; input < problem_.inputs.rows(); ++input) {
    begin_input(input);
    if (grid_.classes()[batch.cls].failures == 0)
      evaluate_intact(judge);
    else
      evaluate_input(batch, judge);
  }
}

void Evaluator::begin_input(Index input) {
  input_ = input;
  post_[0] = problem_.inputs.row(input).transpose();
  for (Index l = 1; l <= net_.layers(); ++l) {
    const auto i = static_cast<std::size_t>(l);
    pre_[i] = dense(l, post_[i - 1]);
    post_[i] = pre_[i];
    net_.activation(l).apply(post_[i].data(), post_[i].size());
  }
}

/// s = W y + b, every element by the same chain of operations as in a block.
Vector Evaluator::dense(Index layer, const Vector& signals) const {
  Vector sums = net_.bias(layer);
  kernels().multiply_add(1, sums.size(), signals.size(), signals.data(), signals.size(),
                         net_.weight_transposed(layer).data(), sums.size(), sums.data(), sums.size());
  return sums;
}

void Evaluator::evaluate_intact(Judge& judge) {
  Vector outputs = post_.back();
  judge.see(input_, 0, 1, outputs.data(), 1, post_.back().data());
}

void Evaluator::evaluate_input(const Grid::Batch& batch, Judge& judge) {
  Walker walker(grid_, grid_.classes()[batch.cls], batch.begin);
  first_.assign(states_.size(), 0);
  for (std::size_t d = walker.choices().size(); d-- > 0;)
    first_[static_cast<std::size_t>(walker.choices()[d].stage)] = d;
  block_layer_ = receivers(static_cast<std::size_t>(walker.choices().back().stage));
  offset_ = 0;
  used_ = 0;
  enter(static_cast<std::size_t>(walker.choices().front().stage), walker.choices());
  update(walker.choices(), 0);
  for (std::uint64_t left = batch.size;;) {
    Walker::Run run = walker.run();
    run.last = std::min(run.last, run.first + static_cast<Index>(std::min<std::uint64_t>(left, 1U << 30)));
    left -= static_cast<std::uint64_t>(run.last - run.first);
    while (run.first < run.last) {
      const Index n = std::min(run.last - run.first, columns - used_);
      fill(run, n);
      run.first += n;
      if (used_ == columns) flush(judge);
    }
    if (left == 0) break;
    update(walker.choices(), static_cast<std::size_t>(walker.next_prefix()));
  }
  if (used_ > 0) flush(judge);
}

/// Layer whose pre-activations a failure of the stage changes by a column.
Index Evaluator::receivers(std::size_t stage) const {
  return std::min(grid_.stages()[stage].layer + 1, net_.layers());
}

/// Recompute the states of all choices but the last, from choice `from` on.
void Evaluator::update(const std::vector<Choice>& choices, std::size_t from) {
  for (std::size_t d = from; d < choices.size(); ++d) {
    const auto stage = static_cast<std::size_t>(choices[d].stage);
    if (d > from && first_[stage] == d) enter(stage, choices);
    if (d + 1 < choices.size()) apply(d, choices[d]);
  }
}

/// Signals, pre-activations and transmitted values of the stage's layer, given the failures of the stages before.
void Evaluator::signals_into(std::size_t stage, const std::vector<Choice>& choices) {
  const Index layer = grid_.stages()[stage].layer;
  StageState& state = states_[stage];
  const auto l = static_cast<std::size_t>(layer);
  const std::size_t first = first_[stage];
  if (first == 0) {
    if (layer > 0) state.before = post_[l - 1];
    state.pre = pre_[l];
    state.post = post_[l];
    return;
  }
  const auto earlier = static_cast<std::size_t>(choices[first - 1].stage);
  const StageState& from = states_[earlier];
  const std::size_t failures = first - first_[earlier];
  Vector signals = from.post;
  for (std::size_t i = 0; i < failures; ++i) {
    const Choice& choice = choices[first_[earlier] + i];
    const Grid::Stage& there = grid_.stages()[earlier];
    signals(there.sites[static_cast<std::size_t>(choice.position)].to) += from.change[i];
  }
  Vector sums = from.next[failures];
  for (Index at = grid_.stages()[earlier].layer + 1; at < layer; ++at) {
    signals = sums;
    net_.activation(at).apply(signals.data(), signals.size());
    sums = dense(at + 1, signals);
  }
  state.before = signals;
  state.pre = sums;
  state.post = sums;
  net_.activation(layer).apply(state.post.data(), state.post.size());
}

void Evaluator::enter(std::size_t stage, const std::vector<Choice>& choices) {
  signals_into(stage, choices);
  const Grid::Stage& here = grid_.stages()[stage];
  StageState& state = states_[stage];
  std::size_t failures = 0;
  for (const Choice& choice : choices) failures += static_cast<std::size_t>(choice.stage) == stage;
  state.next.resize(failures + 1);
  state.touched.assign(failures + 1, Touched{});
  state.change.assign(failures, 0.0);
  state.effect.resize(here.members.size());
  for (std::size_t t = 0; t < here.members.size(); ++t) {
    state.effect[t].resize(static_cast<Index>(here.members[t].size()));
    for (Index m = 0; m < state.effect[t].size(); ++m) state.effect[t](m) = change_of(stage, t, m, Touched{});
  }
  const bool nominal = first_[stage] == 0;
  if (here.layer == net_.layers())
    state.next[0] = state.pre;
  else
    state.next[0] = nominal ? pre_[static_cast<std::size_t>(here.layer) + 1] : dense(here.layer + 1, state.post);
}

/// Change of a node when one more component fails: of what it transmits, or (outputs) of its pre-activation.
double Evaluator::change_of(std::size_t stage, std::size_t term, Index member, const Touched& touched) const {
  const Grid::Stage& here = grid_.stages()[stage];
  const Site& site = here.sites[static_cast<std::size_t>(here.members[term][static_cast<std::size_t>(member)])];
  const StageState& state = states_[stage];
  if (!site.is_synapse()) return grid_.value(term) - state.post(site.to);
  const double product = net_.weight(here.layer)(site.to, site.from) * state.before(site.from);
  if (here.layer == net_.layers()) return -product;
  const bool again = touched.node == site.to;
  if (again && touched.forced) return 0;  // a failed neuron ignores its synapses
  const double pre = again ? touched.pre : state.pre(site.to);
  const double post = again ? touched.post : state.post(site.to);
  return net_.activation(here.layer)(pre - product) - post;
}

/// Take choice `depth` in: the receivers' pre-activations move by one column.
void Evaluator::apply(std::size_t depth, const Choice& choice) {
  const auto s = static_cast<std::size_t>(choice.stage);
  const auto t = static_cast<std::size_t>(choice.term);
  const Grid::Stage& here = grid_.stages()[s];
  StageState& state = states_[s];
  const std::size_t i = depth - first_[s];
  const auto& members = here.members[t];
  const Index member = std::lower_bound(members.begin(), members.end(), choice.position) - members.begin();
  const Site& site = here.sites[static_cast<std::size_t>(choice.position)];

  const bool again = state.touched[i].node == site.to;
  const double change = again ? change_of(s, t, member, state.touched[i]) : state.effect[t](member);
  state.change[i] = change;
  state.next[i + 1] = state.next[i];
  if (here.layer == net_.layers()) {
    state.next[i + 1](site.to) += change;
    return;
  }
  const Matrix& columns_of = net_.weight_transposed(here.layer + 1);
  kernels().axpy(columns_of.cols(), change, columns_of.data() + site.to * columns_of.cols(), state.next[i + 1].data());
  if (!synapses_[s]) return;
  Touched& now = state.touched[i + 1];
  now.node = site.to;
  now.forced = !site.is_synapse() || (again && state.touched[i].forced);
  if (site.is_synapse())
    now.pre = (again ? state.touched[i].pre : state.pre(site.to)) -
              net_.weight(here.layer)(site.to, site.from) * state.before(site.from);
  now.post = (again ? state.touched[i].post : state.post(site.to)) + change;
}

/// Columns of `n` more configurations: the prefix and each of the next members of the run.
void Evaluator::fill(const Walker::Run& run, Index n) {
  const auto s = static_cast<std::size_t>(run.stage);
  const auto t = static_cast<std::size_t>(run.term);
  const Grid::Stage& here = grid_.stages()[s];
  const StageState& state = states_[s];
  const std::size_t failures = state.next.size() - 2;  // of the prefix, in this stage
  const Vector& base = state.next[failures + 0];
  const int* nodes = nodes_[s][t].data() + run.first;
  delta_.assign(state.effect[t].data() + run.first, state.effect[t].data() + run.first + n);
  double* block = block_.data() + used_;
  if (here.layer == net_.layers()) {
    for (Index j = 0; j < base.size(); ++j) std::fill_n(block + j * columns, n, base(j));
    for (Index i = 0; i < n; ++i) block[nodes[i] * columns + i] += delta_[static_cast<std::size_t>(i)];
  } else {
    const Touched& touched = state.touched[failures];
    for (Index i = 0; i < n && nodes[i] == touched.node; ++i)
      delta_[static_cast<std::size_t>(i)] = change_of(s, t, run.first + i, touched);
    const Matrix& weights = net_.weight(here.layer + 1);
    kernels().spread(base.size(), n, base.data(), weights.data(), weights.cols(), nodes, delta_.data(), block, columns);
  }
  used_ += n;
}

/// Run the rest of the network over the block.
void Evaluator::flush(Judge& judge) {
  for (Index l = block_layer_;; ++l) {
    const Activation& phi = net_.activation(l);
    for (Index j = 0; j < net_.width(l); ++j) phi.apply(block_.data() + j * columns, used_);
    if (l == net_.layers()) break;
    for (Index j = 0; j < net_.width(l + 1); ++j) std::fill_n(other_.data() + j * columns, used_, net_.bias(l + 1)(j));
    const Matrix& weights = net_.weight(l + 1);
    kernels().multiply_add(weights.rows(), used_, weights.cols(), weights.data(), weights.cols(), block_.data(), columns,
                           other_.data(), columns);
    block_.swap(other_);
  }
  judge.see(input_, offset_, used_, block_.data(), columns, post_.back().data());
  offset_ += static_cast<std::uint64_t>(used_);
  used_ = 0;
}

}  // namespace withstand
