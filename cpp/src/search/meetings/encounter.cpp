// SPDX-License-Identifier: MIT
#include "search/meetings/encounter.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "evaluate/ranges.hpp"

namespace withstand::search {
namespace {

constexpr auto rectified = [](double s) { return s > 0 ? s : 0.0; };
bool rectifies(const Activation& phi) { return phi.rectifier() && phi.gain() == 1; }

}  // namespace

Encounter::Encounter(const Network& net, const Singles& singles)
    : net_(net), singles_(singles), one_(at(singles.places().count()), 0), other_(one_), beside_(one_),
      late_(at(net.layers()) + 1) {
  const double everything = std::numeric_limits<double>::infinity();
  for (Index l = 0; l <= net.depth(); ++l) {
    const Interval slopes = l == 0 ? Interval{0, 0} : local_slopes(net.activation(l), {-everything, everything});
    span_.push_back(std::max(slopes.upper, 0.0) - std::min(slopes.lower, 0.0));
  }
}

void Encounter::first(const Alone& failure) {
  for (const int place : touched_) one_[at(place)] = 0;
  touched_.clear();
  for (const Singles::Touch* touch = failure.begin; touch < failure.end; ++touch) {
    one_[at(touch->place)] = touch->change;
    touched_.push_back(touch->place);
  }
}

/// What the second failure keeps the first one from changing.
double Encounter::unheard(const Alone& second) const {
  const Index layer = second.site.layer, j = second.site.to;
  if (j >= singles_.places().count(layer)) return 0;
  const double change = one_[at(singles_.places().first(layer) + j)], s = (*pre_)[at(layer)](j);
  return change == 0 ? 0 : net_.activation(layer)(s + change) - net_.activation(layer)(s);
}

/// That, times what it can do to an objective.
double Encounter::lost(const Alone& second) const {
  const double change = unheard(second);
  return change == 0 ? 0 : std::abs(change) * singles_.steep()[at(second.site.layer)](second.site.to);
}

double Encounter::most(const Alone& second) const {
  double total = lost(second);
  for (const Singles::Touch* touch = second.begin; touch < second.end; ++touch)
    total += static_cast<double>(touch->bend) * std::min(std::abs(one_[at(touch->place)]), std::abs(touch->change));
  return total;
}

template <class Sends>
double Encounter::meet(const Alone& second, Index layer, const Sends& sends) const {
  const Index first = singles_.places().first(layer), end = singles_.places().first(layer + 1);
  const Vector &pre = (*pre_)[at(layer)], &steep = singles_.steep()[at(layer)];
  double total = 0;
  const Singles::Touch* touch =
      std::lower_bound(second.begin, second.end, first, [](const Singles::Touch& t, Index place) { return t.place < place; });
  for (; touch < second.end && touch->place < end; ++touch) {
    const double one = one_[at(touch->place)];
    if (one == 0) continue;
    const double s = pre(touch->place - first);
    total += std::abs(sends(s + one + touch->change) - sends(s + one) - sends(s + touch->change) + sends(s)) *
             steep(touch->place - first);
  }
  return total;
}

double Encounter::meet(const Alone& second, Index layer) const {
  const Activation& phi = net_.activation(layer);
  if (phi.identity()) return 0;
  return rectifies(phi) ? meet(second, layer, rectified) : meet(second, layer, [&](double s) { return phi(s); });
}

void Encounter::begin(const Alone& second) {
  second_ = second;
  for (const Singles::Touch* touch = second.begin; touch < second.end; ++touch) other_[at(touch->place)] = touch->change;
  changes_.clear();
  if (const double lost = unheard(second); lost != 0) changes_.add(second.site.to, -lost);
  touch_ = second.begin;
  largest_ = 0;
}

/// The residual of a layer, from that of the one before.
template <class Sends>
void Encounter::step(Index layer, const Sends& sends) {
  const Index first = singles_.places().first(layer), end = singles_.places().first(layer + 1);
  const Vector &pre = (*pre_)[at(layer)], &steep = singles_.steep()[at(layer)];
  for (; touch_ < second_.end && touch_->place < end; ++touch_) {
    const double one = one_[at(touch_->place)];
    if (one == 0) continue;
    const Index j = touch_->place - first;
    double& beside = beside_[at(touch_->place)];
    const double s = pre(j), both = s + one + touch_->change;
    const double apart = sends(s + one) + sends(s + touch_->change) - sends(s);
    const double sum = sends(both) - apart, all = beside == 0 ? sum : sends(both + beside) - apart;
    beside = 0;
    largest_ = std::max(largest_, std::abs(sum) * steep(j));
    if (all != 0) next_.add(j, all);
  }
  for (std::size_t n = 0; n < sums_.at.size(); ++n) {
    const Index j = sums_.at[n];
    if (j >= end - first) {
      next_.add(j, sums_.value[n]);
      continue;
    }
    double& beside = beside_[at(first + j)];
    if (beside == 0) continue;
    const double s = pre(j) + one_[at(first + j)] + other_[at(first + j)];
    const double change = sends(s + beside) - sends(s);
    beside = 0;
    if (change != 0) next_.add(j, change);
  }
}

void Encounter::end() {
  for (const Singles::Touch* touch = second_.begin; touch < second_.end; ++touch) other_[at(touch->place)] = 0;
}

void Encounter::step(Index layer) {
  sums_.clear();
  next_.clear();
  if (!changes_.at.empty()) net_.map(layer).reach(changes_, sums_, scratch_);
  if (layer > net_.depth()) {
    std::swap(changes_, sums_);
    return;
  }
  const Index first = singles_.places().first(layer), count = singles_.places().count(layer);
  for (std::size_t n = 0; n < sums_.at.size(); ++n)
    if (sums_.at[n] < count) beside_[at(first + sums_.at[n])] = sums_.value[n];
  const Activation& phi = net_.activation(layer);
  if (rectifies(phi)) step(layer, rectified);
  else step(layer, [&](double s) { return phi(s); });
  std::swap(changes_, next_);
}

bool Encounter::harmless(const Alone& second, const std::function<bool(double)>& hopeless) {
  double behind = 0;
  for (Index l = second.site.layer + 1; l <= net_.depth(); ++l) behind += late_[at(l)] = meet(second, l);
  if (hopeless(behind + lost(second))) return true;
  begin(second);
  bool stays = false;
  for (Index l = second.site.layer + 1; l <= net_.depth() && !stays; ++l) {
    step(l);
    behind = 0;
    for (Index k = l + 1; k <= net_.depth(); ++k) behind += late_[at(k)];
    for (std::size_t n = 0; n < changes_.at.size(); ++n)
      behind += std::abs(changes_.value[n]) * singles_.steep()[at(l)](changes_.at[n]);
    stays = hopeless(behind);
  }
  end();
  return stays;
}

Encounter::Followed Encounter::follow(const Alone& second) {
  Followed followed;
  begin(second);
  for (Index l = second.site.layer + 1; l <= net_.layers(); ++l) {
    step(l);
    if (l > net_.depth()) break;
    for (std::size_t n = 0; n < sums_.at.size(); ++n)
      if (const Index j = sums_.at[n]; j < net_.own(l))
        followed.moved += span_[at(l)] * std::abs(sums_.value[n]) * singles_.steep()[at(l)](j);
  }
  end();
  followed.meeting = largest_;
  followed.outputs = &changes_;
  return followed;
}

}  // namespace withstand::search
