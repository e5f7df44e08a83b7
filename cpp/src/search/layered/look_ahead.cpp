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
  std::vector<LineDoubles> gains;
  for (Index l = 0; l < problem_.network.layers(); ++l) {
    const LineDoubles& rounding = potential_->layer(l).rounding;
    const LineDoubles zeros(rounding.size());
    gains.emplace_back(rounding.size(), infinity);
    Failing failing{zeros, zeros, LineDoubles(rounding.size(), -infinity), std::vector<std::size_t>(rounding.size())};
    const std::vector<Option>& options = choices_.stages[neuron_stage(l)].options;
    for (std::size_t p = options.size(); p-- > 0;) {
      const auto i = static_cast<std::size_t>(options[p].site.to);
      const bool another = failing.slack[i] == rounding[i];
      failing.least[i] = another ? std::min(failing.least[i], options[p].value) : options[p].value;
      failing.most[i] = another ? std::max(failing.most[i], options[p].value) : options[p].value;
      failing.slack[i] = rounding[i];
      failing.first[i] = p;
    }
    failing_.push_back(std::move(failing));
  }
  std::size_t most = index_.size();
  for (const Choices::Stage& stage : choices_.stages) most = std::max(most, stage.options.size());
  index_.resize(most);
  scale_.resize(most);
  rises_.resize(most);
  ahead_.assign(states, {0, stages, stages, std::move(gains)});
  ahead_[0].harm = infinity;
}

/// Whether all that may fail from this stage on leaves the state below the incumbent.
bool Layered::Walk::futile(std::size_t stage) const {
  if (potential_ == nullptr) return false;
  const Ahead& ahead = ahead_[taken_.size()];
  return ahead.all[stage] < missing(ahead);
}

/// The same if this option fails next.
bool Layered::Walk::futile(std::size_t stage, const Live& next) const {
  if (potential_ == nullptr) return false;
  const Ahead& ahead = ahead_[taken_.size()];
  return ahead.gains[stage / 2][static_cast<std::size_t>(next.option->site.to)] + ahead.rest[stage] < missing(ahead);
}

/// Whether what the last failure changes in what this layer transmits leaves the state below the incumbent.
bool Layered::Walk::harmless(Index layer, const double* pre) const {
  const Potential::Layer& at = potential_->layer(layer);
  const double rise = kernels_.rise(static_cast<long>(at.rise.size()), problem_.network.activation(layer).gain(), pre,
                                    signals_[static_cast<std::size_t>(layer)].data(), at.rise.data(), at.fall.data());
  return rise + at.rounded < missing(*before_);
}

/// The state's own harm, and from every stage on the largest gains that the failures left can have.
void Layered::Walk::look_ahead(std::size_t stage, const double* pre) {
  Ahead& ahead = ahead_[taken_.size()];
  const Index first = static_cast<Index>(stage / 2), depth = problem_.network.depth();
  for (Index l = first + 1; l <= depth; ++l) {
    received_[static_cast<std::size_t>(l)] = pre;
    pre = forward(l, pre, signals_[static_cast<std::size_t>(l)]);
  }
  ahead.harm = problem_.harm.of_pre(pre);
  seen_ = true;
  largest_.assign(static_cast<std::size_t>(open_), 0.0);
  for (Index l = depth; l >= first; --l) {
    const Potential::Layer& at = potential_->layer(l);
    const Failing& failing = failing_[static_cast<std::size_t>(l)];
    LineDoubles& gains = ahead.gains[static_cast<std::size_t>(l)];
    const auto n = static_cast<Index>(failing.slack.size());
    const double largest = kernels_.gains(n, signals_[static_cast<std::size_t>(l)].data(), failing.least.data(), failing.most.data(),
                                          at.rise.data(), at.fall.data(), failing.slack.data(), gains.data());
    if (largest > largest_.back()) keep_largest(gains.data(), n, largest_.data(), open_);
    ahead.all[neuron_stage(l)] = std::accumulate(largest_.begin(), largest_.end(), 0.0);
    ahead.rest[neuron_stage(l)] = ahead.all[neuron_stage(l)] - largest_.back();
  }
}

/// The last failure, of this stage from a live option on or of later ones. The last layer comes first: what the other ones
/// receive in the state is kept until their turn comes.
void Layered::Walk::last_anywhere(std::size_t stage, std::size_t first, std::size_t depth, const double* pre) {
  const std::vector<Live>& live = levels_[stage].live;
  const std::size_t begin = first < live.size() ? live[first].position : choices_.stages[stage].options.size();
  before_ = &ahead_[taken_.size()];
  for (std::size_t s = neuron_stage(problem_.network.depth()); s > stage; s -= 2) {
    if (closes_ && s == last_stage_ && !futile(s)) {
      survey(s);
      close(buffer(s, 0));
    }
    last_of(s, 0, buffer(s, 0), buffer(s, 1));
  }
  if (closes_ && stage == last_stage_) close(pre);
  last_of(stage, begin, pre, buffer(stage, depth + 1));
  before_ = nullptr;
}

/// The same of the options of one stage, from a position on, but for those that a selection closes.
void Layered::Walk::last_of(std::size_t stage, std::size_t begin, const double* pre, double* out) {
  const Index next = static_cast<Index>(stage / 2) + 1;
  gather(stage, begin);
  const bool looks = looks_at(next) && choices_.stages[neuron_stage(next)].failed.empty();
  if (looks) {
    const Potential::Layer& at = potential_->layer(next);
    for (std::size_t n = 0; n < lasts_.size(); ++n) {
      index_[n] = static_cast<int>(lasts_[n].option->site.to);
      scale_[n] = lasts_[n].delta;
    }
    const auto n = static_cast<long>(at.rise.size());
    kernels_.rises(n, problem_.network.activation(next).gain(), pre, static_cast<long>(lasts_.size()), index_.data(), scale_.data(),
                   problem_.columns.layers[static_cast<std::size_t>(next)].entries.data(), n,
                   signals_[static_cast<std::size_t>(next)].data(), at.rise.data(), at.fall.data(), rises_.data());
  }
  for (std::size_t n = 0; n < lasts_.size() && !budget_.stopped(); ++n) {
    if (looks && rises_[n] + potential_->layer(next).rounded < missing(*before_)) {
      count();
      continue;
    }
    taken_.push_back(lasts_[n].option);
    apply(lasts_[n], pre, out);
    conclude(next, out, looks);
    taken_.pop_back();
  }
}

/// Those of them that may reach the incumbent.
void Layered::Walk::gather(std::size_t stage, std::size_t begin) {
  const Failing& failing = failing_[stage / 2];
  const LineDoubles& gains = before_->gains[stage / 2];
  const std::vector<Option>& options = choices_.stages[stage].options;
  const long count = kernels_.not_below(static_cast<long>(gains.size()), gains.data(), missing(*before_), next_.data());
  lasts_.clear();
  for (long n = 0; n < count; ++n) {
    const auto i = static_cast<std::size_t>(next_[static_cast<std::size_t>(n)]);
    for (std::size_t p = failing.first[i]; p < options.size() && options[p].site.to == static_cast<Index>(i); ++p) {
      const Option& option = options[p];
      if (p < begin || left_[option.quota] == 0 || (closes_ && stage == last_stage_ && option.quota == closing_)) continue;
      const double delta = option.value - signals_[stage / 2][i];
      if (delta == 0 && certain(option.site.layer, option.site.to)) continue;
      Live& last = lasts_.emplace_back();
      last.option = &option, last.position = p, last.delta = delta;
    }
  }
}

}  // namespace withstand::search
