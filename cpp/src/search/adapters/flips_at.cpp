// SPDX-License-Identifier: MIT
// The walk through sets of failed parameters, layer by layer.
#include "search/adapters/flips_at.hpp"

#include <algorithm>

#include "core/index.hpp"
#include "core/rounding.hpp"
#include "failure/effects.hpp"

namespace withstand::search {
bool FlipsAt::none_above(double level) {
  level_ = level;
  known_.resize(at(count_) + 1, std::vector<double>(at(harm_.rows().rows()), infinity));
  for (Index hidden = 1; hidden <= count_; ++hidden)
    for (Index o = 0; o < harm_.rows().rows(); ++o)
      if (known_[at(hidden)][at(o)] > level_ && !stratum(hidden, o)) return false;
  return true;
}

double FlipsAt::known() const {
  double most = incumbent_.harm();
  if (known_.empty()) return count_ > 0 ? infinity : most;
  for (std::size_t hidden = 1; hidden < known_.size(); ++hidden)
    for (const double bound : known_[hidden]) most = std::max(most, bound);
  return most;
}

void FlipsAt::select_outputs() {
  for (Index o = 0; o < harm_.rows().rows(); ++o) stratum(0, o);
}

bool FlipsAt::stratum(Index hidden, Index objective) {
  if (!budget_.tick()) return false;
  objective_ = harm_.rows().row(objective).transpose();
  index_ = objective;
  closed_ = count_ - hidden;
  list_closing();
  taken_.clear();
  if (hidden == 0) {
    pre_[0] = nominal_.pre[at(net_.layers())];
    before_[0] = nominal_.post[at(net_.depth())];
    close(0);
    return !budget_.stopped();
  }
  const Influence& influence = this->influence(hidden);
  std::vector<Influence::Closing> senders;
  for (const Influence::Closing& c : closing_)
    if (c.sender >= 0) senders.push_back(c);
  const Influence::Units units = influence.units(objective_, senders, closed_);
  pre_[0] = nominal_.pre[at(net_.layers())];
  before_[0] = nominal_.post[at(net_.depth())];
  const double value = value_of(0), others = rate(influence, units, hidden);
  double& known = known_[at(hidden)][at(objective)];
  known = harm_at(value + others + last_) + noise_;
  if (known <= level_) return true;
  keep_promising(value + others);
  return extend(0, hidden, 1, 0, value);
}

double FlipsAt::value_of(std::size_t depth) {
  double value = objective_.dot(pre_[depth]);
  gains_.clear();
  for (const Influence::Closing& c : closing_) {
    const double y = c.sender < 0 ? 1 : before_[depth](c.sender);
    const double gain = std::max(c.low * y, c.high * y);
    if (gain > 0) gains_.push_back(gain);
  }
  const auto kept = std::min<std::size_t>(gains_.size(), at(closed_));
  std::partial_sort(gains_.begin(), gains_.begin() + static_cast<std::ptrdiff_t>(kept), gains_.end(), std::greater<>());
  for (std::size_t n = 0; n < kept; ++n) value += gains_[n];
  return value;
}

double FlipsAt::left_over(Index count, Index l, std::size_t p) const {
  std::vector<std::size_t> next(at(net_.layers()), 0);
  next[at(l)] = p;
  double sum = 0;
  for (Index n = 0; n < count; ++n) {
    Index best = -1;
    for (Index t = l; t <= net_.depth(); ++t)
      if (next[at(t)] < sorted_[at(t)].size() &&
          (best < 0 || sorted_[at(t)][next[at(t)]].gain > sorted_[at(best)][next[at(best)]].gain))
        best = t;
    if (best < 0) break;
    sum += sorted_[at(best)][next[at(best)]++].gain;
  }
  return sum;
}

bool FlipsAt::extend(std::size_t depth, Index open, Index l, std::size_t p, double value) {
  for (Index t = l; t <= net_.depth(); ++t)
    for (std::size_t n = t == l ? p : 0; n < sorted_[at(t)].size(); ++n) {
      const Flip& flip = sorted_[at(t)][n];
      const double most = value + flip.gain + left_over(open - 1, t, n + 1);
      if (harm_at(most) + noise_ <= level_) break;  // later ones of the layer do no more
      if ((++evaluations_ & 1023U) == 0 && (evaluations_ > search_.patience || !budget_.tick())) return false;
      if (std::any_of(taken_.begin(), taken_.end(), [&](const Flip* f) { return f->site == flip.site; })) continue;
      taken_.push_back(&flip);
      run(depth + 1);
      const double closed = value_of(depth + 1);
      if (open == 1 && harm_at(closed) + noise_ >= incumbent_.harm()) close(depth + 1);
      const bool on = open == 1 || extend(depth + 1, open - 1, t, n + 1, closed);
      taken_.pop_back();
      if (!on) return false;
    }
  return true;
}

void FlipsAt::run(std::size_t depth) {
  const Index first = taken_.front()->site.layer;
  signals_ = nominal_.post[at(first - 1)];
  std::size_t n = 0;
  for (Index l = first;; ++l) {
    if (l == first) sums_ = nominal_.pre[at(l)];
    else sums_.noalias() = *net_.map(l).matrix() * signals_, sums_ += net_.bias(l);
    for (; n < taken_.size() && taken_[n]->site.layer == l; ++n)
      sums_(taken_[n]->site.to) += taken_[n]->change * (taken_[n]->site.is_bias() ? 1 : signals_(taken_[n]->site.sender()));
    if (l == net_.layers()) break;
    signals_ = sums_;
    net_.activation(l).apply(signals_.data(), signals_.size());
  }
  pre_[depth] = sums_;
  before_[depth] = signals_;
}

void FlipsAt::close(std::size_t depth) {
  std::vector<std::pair<double, Failed>> gains;
  for (std::size_t n = 0; n < closing_.size(); ++n) {
    const double y = closing_[n].sender < 0 ? 1 : before_[depth](closing_[n].sender);
    const bool high = closing_[n].high * y >= closing_[n].low * y;
    const Flip& flip = flips_.back()[high ? best_[n].second : best_[n].first];
    gains.emplace_back(high ? closing_[n].high * y : closing_[n].low * y, Failed{flip.site, 0, flip.way, 0});
  }
  std::stable_sort(gains.begin(), gains.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Failed> failed;
  for (const Flip* flip : taken_) failed.push_back({flip->site, 0, flip->way, 0});
  std::optional<Contest> contest;
  if (evaluated_.precise != nullptr && closed_ > 0) contest = this->contest(failed, gains);
  for (std::size_t n = 0; n < gains.size() && n < at(closed_) && gains[n].first > 0; ++n) failed.push_back(gains[n].second);
  const std::vector<Forced> all = forced(failed);
  incumbent_.offer(net_, harm_, input_, row_, all, evaluated_.precise, std::move(contest));
  if (incumbent_.holds(row_, all)) found_ = failed;  // of equals the fewest, and smallest, stays
  level_ = std::max(level_, incumbent_.harm());
}

std::vector<Forced> FlipsAt::forced(const std::vector<Failed>& failed) const {
  std::vector<Forced> all = forced_by(net_, space_, nominal_, failed);
  for (Forced& one : all)
    if (search_.synapses) one.value = 0;  // never -0
  std::sort(all.begin(), all.end(), [](const Forced& a, const Forced& b) { return a.site < b.site; });
  return all;
}

std::optional<Contest> FlipsAt::contest(const std::vector<Failed>& taken, const std::vector<std::pair<double, Failed>>& gains) const {
  const double known = evaluated_.known;
  const auto last = static_cast<std::size_t>(closed_);
  const double edge = last <= gains.size() ? std::max(gains[last - 1].first, 0.0) : 0;
  std::vector<Failed> sure = taken, open;
  Contest found{index_, {}, {}, 0, closed_};
  for (const auto& [gain, failed] : gains) {
    if (gain > edge + known) sure.push_back(failed), --found.most;
    else if (gain >= edge - known) open.push_back(failed);
  }
  if (open.empty() || found.most == 0 || (static_cast<Index>(open.size()) == found.most && edge > known)) return {};
  found.failed = forced(sure);
  found.open = forced(open);
  return found;
}

}  // namespace withstand::search
