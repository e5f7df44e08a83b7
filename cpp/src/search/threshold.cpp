// SPDX-License-Identifier: MIT
#include "search/threshold.hpp"

#include <algorithm>
#include <cmath>

namespace withstand::search {
namespace {

constexpr double guard = 1e-14;  // relative; the sums have at most some hundred terms

}  // namespace

Threshold::Threshold(const ObjectiveBound& bound, const std::vector<Index>& left, double level)
    : gains_(bound.gains), left_(left), start_(bound.base), level_(level) {
  double size = std::abs(bound.base) + std::abs(level);
  prefix_.push_back(0);
  for (const OptionGain& gain : gains_) {
    prefix_.push_back(prefix_.back() + std::max(gain.value, 0.0));
    size = std::max(size, std::abs(gain.value));
  }
  for (Index n : left_) open_ += n;
  level_ -= guard * size * static_cast<double>(open_ + 2);
}

std::uint64_t Threshold::count(std::uint64_t limit) {
  found_ = steps_ = 0;
  limit_ = limit;
  if (start_ > level_) ++found_;
  descend(0, open_, start_);
  return steps_ > 16 * limit_ ? limit_ + 1 : found_;
}

void Threshold::visit(const std::function<void(const std::vector<const Option*>&)>& each) {
  each_ = &each;
  limit_ = std::numeric_limits<std::uint64_t>::max() / 32;
  set_.clear();
  if (start_ > level_) each(set_);
  descend(0, open_, start_);
  each_ = nullptr;
}

/// Returns false once there are more than the limit.
bool Threshold::descend(std::size_t first, Index open, double sum) {
  if (open == 0) return true;
  for (std::size_t n = first; n < gains_.size(); ++n) {
    const std::size_t last = std::min(gains_.size(), n + static_cast<std::size_t>(open));
    if (++steps_ > 16 * limit_ || found_ > limit_) return false;
    if (sum + gains_[n].value + (prefix_[last] - prefix_[std::min(last, n + 1)]) <= level_) return true;
    const Option& option = gains_[n].option;
    if (left_[option.quota] == 0) continue;
    if (std::any_of(set_.begin(), set_.end(), [&](const Option* o) { return o->site == option.site; })) continue;
    --left_[option.quota];
    set_.push_back(&option);
    const double with = sum + gains_[n].value;
    if (with > level_) {
      ++found_;
      if (each_ != nullptr) (*each_)(set_);
    }
    const bool more = descend(n + 1, open - 1, with);
    set_.pop_back();
    ++left_[option.quota];
    if (!more) return false;
  }
  return true;
}

double completed(const ObjectiveBound& bound, const std::vector<Index>& left, const std::vector<Option>& taken,
                 const std::vector<Site>& excluded) {
  if (!std::isfinite(bound.base)) return bound.harm;
  std::vector<Index> open = left;
  double sum = bound.base, size = std::abs(bound.base);
  const auto add = [&](double value) {
    sum += value;
    size += std::abs(value);
  };
  const auto has = [](const auto& list, const auto& matches) { return std::any_of(list.begin(), list.end(), matches); };
  for (const Option& option : taken) --open[option.quota];
  for (const OptionGain& gain : bound.gains) {
    const Site& site = gain.option.site;
    if (has(taken, [&](const Option& o) { return o.site == site; })) {
      const Option& of = gain.option;
      const auto same = [&](const Option& o) { return o.site == site && o.quota == of.quota && o.way == of.way; };
      if (has(taken, same)) add(gain.value);
      continue;
    }
    if (gain.value <= 0 || open[gain.option.quota] == 0) continue;
    if (has(excluded, [&](const Site& s) { return s == site; })) continue;
    --open[gain.option.quota];
    add(gain.value);
  }
  return std::min(bound.harm, sum + guard * size * static_cast<double>(bound.gains.size() + 4));
}

std::vector<Option> selection(const ObjectiveBound& bound, const std::vector<Index>& left) {
  std::vector<Index> open = left;
  std::vector<Option> chosen;
  for (const OptionGain& gain : bound.gains) {
    if (gain.value <= 0) break;
    if (open[gain.option.quota] == 0) continue;
    const auto same = [&](const Option& o) { return o.site == gain.option.site; };
    if (std::any_of(chosen.begin(), chosen.end(), same)) continue;
    --open[gain.option.quota];
    chosen.push_back(gain.option);
  }
  return chosen;
}

}  // namespace withstand::search
