// SPDX-License-Identifier: MIT
// Which continuations of a state cannot reach the incumbent.
#include <algorithm>
#include <numeric>

#include "core/rounding.hpp"
#include "core/top_sum.hpp"
#include "kernels/kernels.hpp"
#include "walk.hpp"

namespace withstand::search {

void Layered::Walk::prepare_ahead() {
  std::size_t states = 1;
  for (const Choices::Quota& quota : choices_.quotas) states += static_cast<std::size_t>(quota.count);
  const std::vector<double> stages(choices_.stages.size());
  std::vector<std::vector<double>> sent;
  for (Index l = 0; l < problem_.network.layers(); ++l)
    sent.emplace_back(static_cast<std::size_t>(potential_->layer(l).rise.size()));
  ahead_.assign(states, {0, stages, stages, std::move(sent)});
  ahead_[0].harm = infinity;
}

/// Whether all that may fail from this stage on leaves the state below the incumbent.
bool Layered::Walk::futile(std::size_t stage) const {
  if (potential_ == nullptr) return false;
  const Ahead& ahead = ahead_[taken_.size()];
  return ahead.harm + ahead.all[stage] + 2 * noise_ < incumbent_.harm();
}

/// The same if this option fails next.
bool Layered::Walk::futile(std::size_t stage, const Live& next) const {
  if (potential_ == nullptr) return false;
  const Ahead& ahead = ahead_[taken_.size()];
  return ahead.harm + next.gain + ahead.rest[stage] + 2 * noise_ < incumbent_.harm();
}

/// Whether what the last failure changes in what this layer transmits leaves the state below the incumbent.
bool Layered::Walk::harmless(Index layer, const double* pre) const {
  if (potential_ == nullptr || taken_.size() < 2 || !rectifies(layer)) return false;
  const Ahead& ahead = ahead_[taken_.size() - 1];
  const Potential::Layer& at = potential_->layer(layer);
  const double rise = kernels().rise(at.rise.size(), problem_.network.activation(layer).gain(), 0.0, pre,
                                     ahead.sent[static_cast<std::size_t>(layer)].data(),
                                     at.rise.data(), at.fall.data());
  return ahead.harm + rise + 2 * noise_ + at.rounded < incumbent_.harm();
}

/// The state's own harm, and from every stage on the largest gains that the failures left can have.
void Layered::Walk::look_ahead(std::size_t stage, const double* pre) {
  Ahead& ahead = ahead_[taken_.size()];
  const Index first = static_cast<Index>(stage / 2), depth = problem_.network.depth();
  for (Index l = first + 1; l <= depth; ++l) {
    step(l);
    activate(l, pre);
    for (const Forced& f : choices_.stages[neuron_stage(l)].failed)
      signals_[static_cast<std::size_t>(l)][static_cast<std::size_t>(f.site.to)] = f.value;
    const std::vector<double>& y = signals_[static_cast<std::size_t>(l)];
    if (is_late(l)) std::copy(y.begin(), y.end(), ahead.sent[static_cast<std::size_t>(l)].begin());
    pre = pass_on(l);
  }
  ahead.harm = problem_.harm.of_pre(pre);
  seen_ = true;
  largest_.assign(static_cast<std::size_t>(open_), 0.0);
  for (Index l = depth; l >= first; --l) {
    const std::vector<double>& y = signals_[static_cast<std::size_t>(l)];
    const std::vector<Option>& options = choices_.stages[neuron_stage(l)].options;
    gains_.resize(options.size());
    for (std::size_t n = 0; n < options.size(); ++n) {
      const Option& o = options[n];
      gains_[n] = potential_->gain(l, o.site.to, o.value - y[static_cast<std::size_t>(o.site.to)]);
    }
    const auto given = static_cast<Index>(gains_.size());
    if (!keep_largest(gains_.data(), given, largest_.data(), open_)) largest_[0] = infinity;  // no number: all is kept
    ahead.all[neuron_stage(l)] = std::accumulate(largest_.begin(), largest_.end(), 0.0);
    ahead.rest[neuron_stage(l)] = ahead.all[neuron_stage(l)] - largest_.back();
  }
}

}  // namespace withstand::search
