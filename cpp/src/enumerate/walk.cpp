// SPDX-License-Identifier: MIT
#include "walk.hpp"

#include <algorithm>

#include "activation/shape.hpp"
#include "kernels/kernels.hpp"

namespace withstand::enumerate {
namespace {

constexpr double kept_executions = 16e6;  // a worker keeps the execution of every input up to here

}  // namespace

void activate(const Activation& phi, double* s, Index n) {
  const int kernel = phi.shape().kernel;
  if (kernel == Shape::by_value) phi.apply(s, n);
  else kernels().activate(kernel, phi.gain(), phi.slope(), n, s);
}

Walk::Walk(const Problem& problem) : problem_(problem), net_(problem.network), grid_(problem.grid) {
  states_.resize(grid_.stages().size());
  for (const Grid::Stage& stage : grid_.stages()) {
    nodes_.emplace_back(stage.members.size());
    for (std::size_t t = 0; t < stage.members.size(); ++t)
      for (int p : stage.members[t])
        nodes_.back()[t].push_back(static_cast<int>(stage.sites[static_cast<std::size_t>(p)].to));
    synapses_.push_back(
        std::any_of(stage.sites.begin(), stage.sites.end(), [](const Site& s) { return s.is_synapse(); }));
  }
  double neurons = 0;
  for (Index l = 0; l <= net_.layers(); ++l) neurons += static_cast<double>(net_.width(l));
  const bool keep = 16 * neurons * static_cast<double>(problem.inputs.rows()) <= kept_executions;
  nominal_of_.resize(keep ? static_cast<std::size_t>(problem.inputs.rows()) : 1);
}

void Walk::begin_input(Index input) {
  const bool keep = nominal_of_.size() == static_cast<std::size_t>(problem_.inputs.rows());
  Execution& here = nominal_of_[keep ? static_cast<std::size_t>(input) : 0];
  nominal_ = &here;
  const bool known = !here.pre.empty() && (keep || input == input_);
  input_ = input;
  if (known) return;
  here.pre.resize(static_cast<std::size_t>(net_.layers()) + 1);
  here.post.resize(here.pre.size());
  here.post[0] = problem_.inputs.row(input).transpose();
  for (Index l = 1; l <= net_.layers(); ++l) {
    const auto i = static_cast<std::size_t>(l);
    here.pre[i] = net_.bias(l);  // once per input: not worth what `receive` keeps
    net_.map(l).multiply_add(1, here.post[i - 1].data(), 1, here.pre[i].data(), 1);
    here.post[i] = here.pre[i];
    activate(net_.activation(l), here.post[i].data(), net_.own(l));
  }
}

/// s = W y + b, every element by the same chain of operations as in a block.
Vector Walk::dense(Index layer, const Vector& signals) const {
  Vector sums = net_.bias(layer);
  net_.map(layer).receive(signals.data(), sums.data());
  return sums;
}

void Walk::begin_class(const Choice* choices, std::size_t count, const Response* response) {
  count_ = count;
  response_ = response;
  first_.assign(states_.size(), 0);
  failures_.assign(states_.size(), 0);
  for (std::size_t d = count_; d-- > 0;) {
    first_[static_cast<std::size_t>(choices[d].stage)] = d;
    ++failures_[static_cast<std::size_t>(choices[d].stage)];
  }
  moved_ = count_;
  last_stage_ = static_cast<std::size_t>(choices[count_ - 1].stage);
  effective_.clear();
  effective_before_.assign(count_, 0);
  enter(static_cast<std::size_t>(choices[0].stage), choices);
  update(choices, 0);
}

void Walk::update(const Choice* choices, std::size_t from) {
  for (std::size_t d = from; d + 1 < count_; ++d) {
    const auto stage = static_cast<std::size_t>(choices[d].stage);
    effective_.resize(effective_before_[d]);
    if (d > from && first_[stage] == d) enter(stage, choices);
    take(d, choices[d]);
    if (stage != last_stage_ || synapses_[stage])
      move(d, choices[d]);
    else
      moved_ = std::min(moved_, d);
    effective_before_[d + 1] = effective_.size();
  }
}

void Walk::enter_last(const Choice* choices) {
  if (last_is_alone()) return enter(last_stage_, choices);
  if (synapses_[last_stage_]) return;
  for (; moved_ + 1 < count_; ++moved_) move(moved_, choices[moved_]);
}

const Site& Walk::site_of(const Choice& choice) const {
  return grid_.stages()[static_cast<std::size_t>(choice.stage)].sites[static_cast<std::size_t>(choice.position)];
}

Index Walk::receivers(std::size_t stage) const { return std::min(grid_.stages()[stage].layer + 1, net_.layers()); }

bool Walk::intact_before(std::size_t stage) const { return effective_before_[first_[stage]] == 0; }

/// Signals, pre-activations and transmitted values of the stage's layer, given the failures of the stages before.
void Walk::signals_into(std::size_t stage, const Choice* choices) {
  const Index layer = grid_.stages()[stage].layer;
  StageState& state = states_[stage];
  if (intact_before(stage)) {
    if (layer > 0) state.before = post(layer - 1);
    state.pre = pre(layer);
    state.post = post(layer);
    return;
  }
  const auto earlier = static_cast<std::size_t>(choices[first_[stage] - 1].stage);
  const StageState& from = states_[earlier];
  Vector signals = from.post;
  for (std::size_t i = 0; i < failures_[earlier]; ++i) {
    const auto position = static_cast<std::size_t>(choices[first_[earlier] + i].position);
    signals(grid_.stages()[earlier].sites[position].to) += from.change[i];
  }
  Vector sums = from.next[failures_[earlier]];
  for (Index at = grid_.stages()[earlier].layer + 1; at < layer; ++at) {
    signals = sums;
    activate(net_.activation(at), signals.data(), net_.own(at));
    sums = dense(at + 1, signals);
  }
  state.before = signals;
  state.pre = sums;
  state.post = sums;
  activate(net_.activation(layer), state.post.data(), net_.own(layer));
}

void Walk::enter(std::size_t stage, const Choice* choices) {
  if (stage == last_stage_) entered_ = intact_before(stage) ? 0 : ++states_seen_;
  signals_into(stage, choices);
  const Grid::Stage& here = grid_.stages()[stage];
  StageState& state = states_[stage];
  const std::size_t failures = failures_[stage];
  state.next.resize(failures + 1);
  state.touched.assign(failures + 1, Touched{});
  state.change.assign(failures, 0.0);
  state.effect.resize(here.members.size());
  for (std::size_t t = 0; t < here.members.size(); ++t) {
    state.effect[t].resize(static_cast<Index>(here.members[t].size()));
    for (Index m = 0; m < state.effect[t].size(); ++m) state.effect[t](m) = change_of(stage, t, m, Touched{});
  }
  state.next[0] = first_state(stage);
}

/// Pre-activations of the receivers (with a response: what it measures of all later layers) before the stage's own
/// failures.
Vector Walk::first_state(std::size_t stage) const {
  const Index layer = grid_.stages()[stage].layer;
  const StageState& state = states_[stage];
  if (layer == net_.layers()) return state.pre;
  const bool intact = intact_before(stage);
  const bool far = response_ != nullptr && stage == last_stage_;
  if (intact && far) return response_->nominal(layer);
  if (intact) return pre(layer + 1);
  Vector sums = dense(layer + 1, state.post);
  if (!far) return sums;
  Vector all = Vector::Zero(response_->of(layer).cols());
  for (Index t = layer + 1;; ++t) {
    response_->measure(t, sums, all.data() + response_->section(layer, t));
    if (t == net_.layers()) return all;
    sums = dense(t + 1, (response_->slope(t).array() * sums.array() + response_->intercept(t).array()).matrix());
  }
}

double Walk::change_of(std::size_t stage, std::size_t manner, Index member, const Touched& touched) const {
  const Grid::Stage& here = grid_.stages()[stage];
  const Site& site = here.sites[static_cast<std::size_t>(here.members[manner][static_cast<std::size_t>(member)])];
  const StageState& state = states_[stage];
  if (!site.is_synapse()) return grid_.value(manner) - state.post(site.to);
  const double product = net_.map(here.layer).weight(site.to, site.from) * state.before(site.from);
  if (here.layer == net_.layers()) return -product;
  const bool again = touched.node == site.to;
  if (again && touched.forced) return 0;  // a failed neuron ignores its synapses
  const double pre = again ? touched.pre : state.pre(site.to);
  const double post = again ? touched.post : state.post(site.to);
  double value = pre - product;
  activate(net_.activation(here.layer), &value, 1);
  return value - post;
}

/// Take choice `depth` in: how much its node changes.
void Walk::take(std::size_t depth, const Choice& choice) {
  const auto s = static_cast<std::size_t>(choice.stage);
  const auto t = static_cast<std::size_t>(choice.manner);
  StageState& state = states_[s];
  const std::size_t i = depth - first_[s];
  const Index member = grid_.stages()[s].member(t, choice.position);
  const bool again = synapses_[s] && state.touched[i].node == site_of(choice).to;
  const double change = again ? change_of(s, t, member, state.touched[i]) : state.effect[t](member);
  if (change != 0 || synapses_[s])  // among synapses, what did not change may still matter to the next
    effective_.push_back(static_cast<std::uint64_t>(choice.position) << 32U | static_cast<std::uint64_t>(s) << 16U | t);
  state.change[i] = change;
}

/// The receivers' pre-activations move by one column.
void Walk::move(std::size_t depth, const Choice& choice) {
  const auto s = static_cast<std::size_t>(choice.stage);
  const Grid::Stage& here = grid_.stages()[s];
  StageState& state = states_[s];
  const std::size_t i = depth - first_[s];
  const Site& site = site_of(choice);
  const double change = state.change[i];
  if (here.layer == net_.layers()) {
    state.next[i + 1] = state.next[i];
    state.next[i + 1](site.to) += change;
    return;
  }
  Vector& next = state.next[i + 1];
  next.resize(state.next[i].size());
  if (response_ != nullptr && s == last_stage_) {
    const Response::Rows columns = response_->of(here.layer);
    kernels().axpy(columns.cols(), change, columns.data() + site.to * columns.cols(), state.next[i].data(), next.data());
  } else {
    net_.map(here.layer + 1).add_column(site.to, change, state.next[i].data(), next.data());
  }
  if (synapses_[s]) touch(state, i, site, change);
}

void Walk::touch(StageState& state, std::size_t i, const Site& site, double change) const {
  const Touched& before = state.touched[i];
  Touched& now = state.touched[i + 1];
  const bool again = before.node == site.to;
  now.node = site.to;
  now.forced = !site.is_synapse() || (again && before.forced);
  if (site.is_synapse())
    now.pre = (again ? before.pre : state.pre(site.to)) -
              net_.map(site.layer).weight(site.to, site.from) * state.before(site.from);
  now.post = (again ? before.post : state.post(site.to)) + change;
}

}  // namespace withstand::enumerate
