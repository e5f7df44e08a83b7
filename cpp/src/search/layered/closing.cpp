// SPDX-License-Identifier: MIT
// The last stage by selection, and the replay of what may be the worst.
#include <algorithm>
#include <numeric>

#include "walk.hpp"
#include "core/top_sum.hpp"
#include "search/layered/idle.hpp"

namespace withstand::search {
namespace {

/// Largest sum of at least `least` and at most `most` of the gains: a linear objective under a cardinality constraint.
double select_largest(const std::vector<double>& gains, Index least, Index most) {
  constexpr Index few = 16;  // beyond, the largest come first: the order is part of an answer's last bits
  if (most <= few && least == 0) {  // as `top_sum`, inline: once per state, of so few gains that a call is what costs
    double best[few] = {};          // descending; zeros stand for failures not used
    for (const double gain : gains) {
      if (gain <= best[most - 1]) continue;
      Index n = most - 1;
      for (; n > 0 && best[n - 1] < gain; --n) best[n] = best[n - 1];
      best[n] = gain;
    }
    return std::accumulate(best, best + most, 0.0);
  }
  double sum = 0;
  Index n = 0;
  for (const double gain : top_values(gains, most)) {
    const bool prescribed = n++ < least;
    if (gain > 0 || prescribed) sum += gain;
  }
  return sum;
}

}  // namespace

/// Gains of the candidates for one objective.
void Layered::Walk::measure(Index objective) {
  gains_.resize(candidates_.size());
  const double* row = objectives_.data() + objective * objectives_.cols();
  const double* out = problem_.harm.rows().data() + objective * problem_.harm.rows().cols();
  for (std::size_t n = 0; n < candidates_.size(); ++n) {
    const Site& site = candidates_[n].option->site;
    gains_[n] = candidates_[n].delta * (site.is_synapse() ? out[site.to] : row[site.to]);
  }
  if (!choices_.overlapping) return;
  for (const Option* taken : taken_)  // a component fails once
    for (std::size_t n = 0; n < candidates_.size(); ++n)
      if (candidates_[n].option->site == taken->site) gains_[n] = 0;
}

void Layered::Walk::close(const double* z) {
  const Index most = std::min(left_[closing_], static_cast<Index>(candidates_.size()));
  const Index least = choices_.quotas[closing_].exactly ? std::max<Index>(0, left_[closing_] - idle_[closing_]) : 0;
  if (least > most) return;
  if (most == 0) return finish(z);
  if (!count()) return;
  const Harm& harm = problem_.harm;
  const Index m = harm.rows().cols();
  for (Index o = 0; o < harm.rows().rows(); ++o) {
    measure(o);
    const double base = harm.goal() == Goal::error
                            ? (o < m ? z[o] : -z[o - m])
                            : harm.rows().row(o).dot(Eigen::Map<const Eigen::RowVectorXd>(z, m));
    const double reached = harm.gauge(o, base + select_largest(gains_, least, most));
    if (reached + noise_ >= incumbent_.harm()) choose(o, least, most);
  }
}

/// The selection itself: larger gains first, then earlier components.
void Layered::Walk::choose(Index objective, Index least, Index most) {
  std::vector<std::size_t> order(candidates_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return gains_[a] > gains_[b]; });
  std::vector<const Option*> chosen = taken_;
  for (Index n = 0; n < most; ++n) {
    const std::size_t candidate = order[static_cast<std::size_t>(n)];
    if (gains_[candidate] > 0 || n < least) chosen.push_back(candidates_[candidate].option);
  }
  replay(chosen, contest(objective, order, least, most));
}

/// Selections that rounding leaves open: candidates whose gains lie as near to the last one selected (or to 0, where not
/// all may be used) as the gains are known. Nothing where all of them are selected.
std::optional<Contest> Layered::Walk::contest(Index objective, const std::vector<std::size_t>& order, Index least,
                                              Index most) const {
  if (problem_.precise == nullptr) return {};
  const double known = 4 * problem_.reach->noise[static_cast<std::size_t>(problem_.network.layers())].maxCoeff();
  const double last = most > 0 ? gains_[order[static_cast<std::size_t>(most - 1)]] : 0;
  const double lowest = least > 0 ? gains_[order[static_cast<std::size_t>(least - 1)]] : 0;
  const double edge = last > 0 ? last : std::min(0.0, lowest);
  Contest found{objective, {}, {}, least, most};
  std::vector<const Option*> sure = taken_;
  for (const std::size_t n : order) {
    const Option& option = *candidates_[n].option;
    if (std::any_of(taken_.begin(), taken_.end(), [&](const Option* o) { return o->site == option.site; })) continue;
    if (gains_[n] > edge + known) {
      sure.push_back(&option);
      --found.least, --found.most;
    } else if (gains_[n] >= edge - known) {
      found.open.push_back({option.site, option.value});
    }
  }
  const auto open = static_cast<Index>(found.open.size());
  if (open == 0 || (open == found.most && edge > known)) return {};
  found.failed = forced(sure);
  return found;
}

std::vector<Option> Layered::Walk::idle_options() const {
  std::vector<Option> idle;
  for (std::size_t s = 0; s < levels_.size(); ++s)
    for (const Option& option : levels_[s].idle)
      if (std::none_of(taken_.begin(), taken_.end(), [&](const Option* o) { return o->site == option.site; }))
        idle.push_back(option);
  return idle;
}

bool Layered::Walk::payable() const {
  std::vector<Index> owed(left_.size(), 0);
  for (std::size_t q = 0; q < left_.size(); ++q) owed[q] = choices_.quotas[q].exactly ? left_[q] : 0;
  const bool paid = std::all_of(owed.begin(), owed.end(), [](Index n) { return n == 0; });
  return paid || fill(owed, idle_options()).has_value();
}

/// What is decided and what is chosen, sorted by site.
std::vector<Forced> Layered::Walk::forced(const std::vector<const Option*>& chosen) const {
  std::vector<Forced> failed;
  for (const Choices::Stage& stage : choices_.stages)
    failed.insert(failed.end(), stage.failed.begin(), stage.failed.end());
  for (const Option* option : chosen) failed.push_back({option->site, option->value});
  std::sort(failed.begin(), failed.end(), [](const Forced& a, const Forced& b) { return a.site < b.site; });
  return failed;
}

void Layered::Walk::replay(const std::vector<const Option*>& chosen, std::optional<Contest> contest) {
  std::vector<Forced> failed = forced(chosen);
  if (exactly_) {
    std::vector<Index> owed(left_.size(), 0);
    for (std::size_t q = 0; q < owed.size(); ++q) owed[q] = choices_.quotas[q].exactly ? choices_.quotas[q].count : 0;
    for (const Option* option : chosen)
      if (choices_.quotas[option->quota].exactly) --owed[option->quota];
    const auto filled = fill(owed, idle_options());
    if (!filled) return;
    for (const Option& option : *filled) failed.push_back({option.site, option.value});
  }
  incumbent_.offer(problem_.network, problem_.harm, problem_.input, problem_.input_index, std::move(failed),
                   problem_.precise, std::move(contest));
  ++evaluations_;
}

}  // namespace withstand::search
