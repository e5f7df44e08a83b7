// SPDX-License-Identifier: MIT
#include "search/meetings/triples.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

constexpr std::size_t most_pairs = std::size_t{1} << 27;  ///< 512 MB
constexpr double single_room = 1 + 1e-6;                         ///< for single precision

}  // namespace

bool Triples::fit(const Singles& singles) {
  std::size_t pairs = 0;
  for (std::size_t n = 0; n < singles.options().size(); ++n)
    if (singles.effect(n) != nullptr) pairs += singles.options().size() - n;
  return pairs <= most_pairs;
}

bool Triples::run() {
  if (firsts_.empty()) return true;
  seed();
  meet_.resize(gain_.size());
  if (!for_each_first([this](Worker& worker, std::size_t a) { second_failures(worker, a); })) return false;
  find_partners();
  return for_each_first([this](Worker& worker, std::size_t a) { sets_from(worker, a); });
}

/// Each of the three pairs of a triple is worth half of what its two do alone, and what they gain by meeting.
double Triples::open() const {
  if (partner_.empty()) return std::numeric_limits<double>::infinity();
  double pair = 0;
  for (std::size_t a = 0; a < gain_.size(); ++a) pair = std::max(pair, gain_[a] / 2 + partner_[a]);
  return base_.maxCoeff() + 3 * pair + margin_;
}

/// What a failure and each one behind it can gain by meeting.
void Triples::second_failures(Worker& worker, std::size_t a) {
  interruption_point();
  take(worker, a);
  meet_[a].reserve(gain_.size() - a - 1);
  for (std::size_t b = a + 1; b < gain_.size(); ++b)
    meet_[a].push_back(static_cast<float>(single_room * (lost(worker, b) + meet(worker, a, b))));
}

/// The same at the places that both reach, whatever a third one does there.
double Triples::meet(const Worker& worker, std::size_t a, std::size_t b) const {
  const Index layer = singles_.options()[b].site.layer;
  const double most = std::min(singles_.meets(a, layer), singles_.meets(b, layer));
  if (most == 0) return 0;
  double sum = 0;
  const Singles::Touch* const last = singles_.end(b, net_.depth());
  for (const Singles::Touch* touch = singles_.begin(b, layer + 1); touch < last; ++touch) {
    const Place& place = worker.places[static_cast<std::size_t>(touch->place)];
    sum += touch->bend * std::min(std::abs(place.moved - place.intact), std::abs(touch->change)) * place.steep;
  }
  return std::min(sum, most);
}

void Triples::find_partners() {
  partner_.assign(gain_.size(), 0);
  for (std::size_t a = 0; a < gain_.size(); ++a)
    for (std::size_t b = a + 1; b < gain_.size(); ++b) {
      const double more = gains(a, b);
      partner_[a] = std::max(partner_[a], gain_[b] / 2 + more);
      partner_[b] = std::max(partner_[b], gain_[a] / 2 + more);
    }
}

/// A failure alone, with every one behind it, and with any two behind it.
void Triples::sets_from(Worker& worker, std::size_t a) {
  interruption_point();
  if (!budget_.spend(1)) throw Interrupted();
  if (!hopeless(base_.maxCoeff() + gain_[a])) offer({a});
  take(worker, a);
  for (std::size_t b = a + 1; b < gain_.size(); ++b) {
    if (!together(a, b)) continue;
    const double bound = value(a, b) + gains(a, b);
    if (!hopeless(bound)) evaluate(worker, {a}, b);
    if (!hopeless(bound + partner_[a] + partner_[b]) && third_failures(worker, a, b, bound)) take(worker, a);
  }
}

/// A pair that is bounded like this with any one behind it; returns whether the second was added.
bool Triples::third_failures(Worker& worker, std::size_t a, std::size_t b, double bound) {
  bool added = false;
  for (std::size_t c = b + 1; c < gain_.size(); ++c) {
    const double met = gains(a, c) + gains(b, c);
    if (hopeless(bound + gain_[c] + met) || hopeless(value(a, b, c) + gains(a, b) + met) || !together(a, b, c)) continue;
    if (!added) add(worker, b);
    added = true;
    evaluate(worker, {a, b}, c);
  }
  return added;
}

}  // namespace withstand::search
