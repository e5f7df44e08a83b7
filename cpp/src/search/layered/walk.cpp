// SPDX-License-Identifier: MIT
// The descent of layered enumeration: stages, branching, forward steps. The closing selection is in closing.cpp.
#include "walk.hpp"

#include <algorithm>

#include "kernels/kernels.hpp"
#include "core/rounding.hpp"

namespace withstand::search {

Layered::Walk::Walk(const Problem& problem, const Choices& choices, double noise, Incumbent& incumbent, Budget& budget,
                    const Potential* potential)
    : problem_(problem), choices_(choices), noise_(noise), incumbent_(incumbent), budget_(budget),
      potential_(potential != nullptr && potential->finite() ? potential : nullptr),
      kernels_(kernels()), exactly_(choices.exactly()),
      last_stage_(choices_.last_stage()), received_(static_cast<std::size_t>(problem.network.layers()) + 1),
      levels_(choices.stages.size()) {
  const Network& net = problem.network;
  closes_ = problem.harm.by_objectives() && last_stage_ >= neuron_stage(net.depth()) &&
            !choices_.stages[last_stage_].options.empty() && !(exactly_ && choices_.overlapping) && !choices_.several_ways;
  if (closes_)
    for (const Option& option : choices_.stages[last_stage_].options) closing_ = std::max(closing_, option.quota);
  objectives_ = Matrix::Zero(problem.harm.rows().rows(), net.width(net.depth()));
  if (const Matrix* const last = net.map(net.layers()).matrix()) objectives_ = problem.harm.rows() * *last;
  else net.map(net.layers()).pull_back(objectives_.rows(), problem.harm.rows().data(), problem.harm.rows().cols(),
                                       objectives_.data(), objectives_.cols());
  for (Index l = 0; l <= net.layers(); ++l) {
    signals_.emplace_back(static_cast<std::size_t>(padded(net.width(l))));
    rectifies_.push_back(l > 0 && net.activation(l).rectifier() && net.own(l) == net.width(l));
    if (l == net.layers()) break;
    const Columns::Layer& next = problem.columns.layers[static_cast<std::size_t>(l + 1)];
    steps_.push_back(next.map != nullptr ? static_cast<std::size_t>(next.map->cost()) : next.entries.size());
  }
  index_.resize(static_cast<std::size_t>(net.widest() + 2 * kernels_.lanes));
  scale_.resize(index_.size());
  next_.resize(index_.size());
  sent_ = signals_;
  for (std::size_t s = 0; s < choices_.stages.size(); ++s)
    if (!choices_.stages[s].failed.empty()) untouched_ = s + 1;
  if (potential_ != nullptr) prepare_ahead();
  find_flats();
  split();
}

void Layered::Walk::split() {
  parts_.push_back({choices_.stages.size(), 0, 0});
  for (std::size_t s = 0; s < choices_.stages.size(); ++s) {
    const std::size_t options = choices_.stages[s].options.size();
    const std::size_t block = std::max<std::size_t>(1, options / 128);
    for (std::size_t first = 0; first < options; first += block)
      parts_.push_back({s, first, std::min(options, first + block)});
  }
}

void Layered::Walk::run(const Part& part) {
  part_ = part;
  before_ = nullptr;
  seen_ = false;  // the part before left states of its own behind
  taken_.clear();
  left_.clear();
  for (const Choices::Quota& quota : choices_.quotas) left_.push_back(quota.count);
  open_ = 0;
  for (Index left : left_) open_ += left;
  idle_.assign(left_.size(), 0);
  std::copy(problem_.input.data(), problem_.input.data() + problem_.input.size(), signals_[0].data());
  send(0);
}

/// Stage 2l - 1: synapses into layer l.
void Layered::Walk::receive(Index layer, const double* pre) {
  const std::size_t stage = synapse_stage(layer);
  const Choices::Stage& here = choices_.stages[stage];
  if (here.options.empty() && here.failed.empty()) return transmit(layer, pre);
  double* s = buffer(stage, 0);
  std::copy(pre, pre + levels_[stage].buffers[0].size(), s);
  for (const Forced& f : here.failed)
    s[f.site.to] -= problem_.network.map(layer).weight(f.site.to, f.site.from) *
                    signals_[static_cast<std::size_t>(layer - 1)][static_cast<std::size_t>(f.site.from)];
  survey(stage);
  branch(stage, 0, 0, s);
  leave(stage);
}

void Layered::Walk::transmit(Index layer, const double* pre) {
  if (layer == problem_.network.layers()) return finish(pre);
  received_[static_cast<std::size_t>(layer)] = pre;
  if (!seen_) activate(layer, pre, signals_[static_cast<std::size_t>(layer)]);
  send(layer);
}

/// Stage 2l: neurons of layer l, and the forward step to layer l + 1 that all their failures share.
void Layered::Walk::send(Index layer) {
  const std::size_t stage = neuron_stage(layer);
  LineDoubles& y = signals_[static_cast<std::size_t>(layer)];
  for (const Forced& f : choices_.stages[stage].failed) y[static_cast<std::size_t>(f.site.to)] = f.value;
  step(layer);
  if (budget_.stopped()) return;
  const double* pre = seen_ ? buffer(stage, 0) : pass_on(layer, y);
  survey(stage);
  branch(stage, 0, 0, pre);
  leave(stage);
}

/// Pre-activations computed at or below `low` and at or above `high` lie on a constant piece in real arithmetic too.
void Layered::Walk::find_flats() {
  for (Index l = 1; l <= problem_.network.depth(); ++l) {
    const Activation& phi = problem_.network.activation(l);
    const Vector& noise = problem_.reach->noise[static_cast<std::size_t>(l)];
    const Pieces& p = phi.pieces();
    double low = -infinity, high = infinity;
    if (phi.piecewise_linear() && p.corners > 0) {
      const double first = p.corner[0] / phi.gain(), last = p.corner[p.corners - 1] / phi.gain();
      if (p.slope[0] == 0) low = add_down(first, -0x1p-50 * std::abs(first));
      if (p.slope[2] == 0) high = add_up(last, 0x1p-50 * std::abs(last));
    }
    Flats flats{low - noise.array(), high + noise.array()};
    const Index own = problem_.network.own(l), wires = noise.size() - own;
    flats.low.tail(wires).setConstant(-infinity);
    flats.high.tail(wires).setConstant(infinity);
    flats_.push_back(std::move(flats));
  }
}

/// Whether the signal of a neuron is what it is computed to be in real arithmetic too: it lies on a constant piece of its
/// activation, nothing was rounded, or the neuron has failed.
bool Layered::Walk::certain(Index layer, Index neuron) const {
  const auto l = static_cast<std::size_t>(layer);
  if (l > 0 && (received_[l][neuron] <= flats_[l - 1].low(neuron) || received_[l][neuron] >= flats_[l - 1].high(neuron)))
    return true;
  if (problem_.reach->sent_noise[l](neuron) == 0) return true;
  const auto same = [site = Site{layer, neuron, -1}](const auto& other) { return other.site == site; };
  const std::vector<Forced>& failed = choices_.stages[neuron_stage(layer)].failed;
  return std::any_of(failed.begin(), failed.end(), same) ||
         std::any_of(taken_.begin(), taken_.end(), [&](const Option* taken) { return same(*taken); });
}

/// Which options change something in the current state, and by how much.
void Layered::Walk::survey(std::size_t stage) {
  Level& level = levels_[stage];
  level.live.clear();
  level.idle.clear();
  const Choices::Stage& here = choices_.stages[stage];
  const bool closing = closes_ && stage == last_stage_;
  if (closing) candidates_.clear();
  if (open_ == 0) return;
  const auto from = static_cast<std::size_t>(here.synapses ? here.layer - 1 : here.layer);
  const double* y = signals_[from].data();
  work(here.options.size());
  for (std::size_t p = 0; p < here.options.size(); ++p) {
    const Option& o = here.options[p];
    const double delta = here.synapses ? -problem_.network.map(here.layer).weight(o.site.to, o.site.from) * y[o.site.from]
                                       : o.value - y[o.site.to];
    const bool exactly = choices_.quotas[o.quota].exactly;
    const auto sender = static_cast<Index>(from);
    const bool idle = delta == 0 && (weightless(here, o) || certain(sender, here.synapses ? o.site.from : o.site.to));
    if (closing && o.quota == closing_) {
      if (!idle || exactly) candidates_.push_back({&o, p, delta});
    } else if (!idle) {
      level.live.push_back({&o, p, delta});
    } else if (exactly) {
      level.idle.push_back(o);
      ++idle_[o.quota];
    }
  }
}

void Layered::Walk::leave(std::size_t stage) {
  for (const Option& option : levels_[stage].idle) --idle_[option.quota];
}

/// All subsets of the stage's live options, from position `first` on.
void Layered::Walk::branch(std::size_t stage, std::size_t first, std::size_t depth, const double* pre) {
  const bool opening = taken_.empty();
  seen_ = seen_ && depth == 0;  // a state is seen as long as nothing else fails
  if (potential_ != nullptr && depth > 0 && open_ > 0) {
    look_ahead(stage, pre);
    if (futile(stage)) return;
    if (open_ == 1) return last_anywhere(stage, first, depth, pre);
  }
  if (!opening || part_.stage > stage) proceed(stage, pre);
  if (opening && part_.stage != stage) return;
  const std::vector<Live>& live = levels_[stage].live;
  seen_ = false;
  if (open_ == 1 && concludes(stage)) return last(stage, first, depth, pre);
  for (std::size_t n = first; n < live.size() && open_ > 0 && !budget_.stopped(); ++n) {
    const Live now = live[n];
    if (!allows(now) || futile(stage, now)) continue;
    --left_[now.option->quota];
    --open_;
    taken_.push_back(now.option);
    double* out = buffer(stage, depth + 1);
    apply(now, depth == 0 ? pre : buffer(stage, depth), out);
    const Site& site = now.option->site;
    double& signal = signals_[static_cast<std::size_t>(site.layer)][static_cast<std::size_t>(site.to)];
    const double kept = signal;
    if (!site.is_synapse()) signal = now.option->value;  // the synapses that leave it see what it transmits
    std::size_t next = n + 1;
    while (next < live.size() && live[next].option->site == site) ++next;
    branch(stage, next, depth + 1, out);
    if (!site.is_synapse()) signal = kept;
    taken_.pop_back();
    ++open_;
    ++left_[now.option->quota];
  }
}

/// Whether the first failure of a walk is one of its part's, and a quota pays for it.
bool Layered::Walk::allows(const Live& now) const {
  if (left_[now.option->quota] == 0) return false;
  return !taken_.empty() || (now.position >= part_.first && now.position < part_.last);
}

void Layered::Walk::proceed(std::size_t stage, const double* pre) {
  if (exactly_ && !choices_.overlapping)
    for (std::size_t q = 0; q < left_.size(); ++q) {
      const Choices::Quota& quota = choices_.quotas[q];
      const bool awaits = closes_ && q == closing_;
      if (quota.exactly && !awaits && quota.last_stage <= stage && left_[q] > idle_[q]) return;
    }
  if (open_ == 0 && concludes(stage)) return conclude(static_cast<Index>((stage + 2) / 2), pre);
  if (closes_ && stage == last_stage_) return close(pre);
  const std::size_t next = stage + 2;  // of neurons
  if (open_ > 0 && stage % 2 == 0 && next <= neuron_stage(problem_.network.depth()) && futile(next))
    return;
  if (stage % 2 == 0) return receive(static_cast<Index>(stage / 2) + 1, pre);
  return transmit(static_cast<Index>(stage + 1) / 2, pre);
}

/// Whether nothing but the computation follows when all failures have been taken at this stage or before it.
bool Layered::Walk::concludes(std::size_t stage) const { return !exactly_ && stage >= untouched_; }

/// The last failure: what remains of the state is an execution without failures.
void Layered::Walk::last(std::size_t stage, std::size_t first, std::size_t depth, const double* pre) {
  const std::vector<Live>& live = levels_[stage].live;
  double* out = buffer(stage, depth + 1);
  open_ = 0;
  for (std::size_t n = first; n < live.size() && !budget_.stopped(); ++n) {
    if (!allows(live[n]) || futile(stage, live[n])) continue;
    taken_.push_back(live[n].option);
    apply(live[n], depth == 0 ? pre : buffer(stage, depth), out);
    conclude(static_cast<Index>((stage + 2) / 2), out);
    taken_.pop_back();
  }
  open_ = 1;
}

}  // namespace withstand::search
