// SPDX-License-Identifier: MIT
#include "search/meetings/pairs.hpp"

#include <algorithm>
#include <cmath>

#include "withstand/parallel.hpp"

namespace withstand::search {

bool Pairs::run() {
  if (firsts_.empty()) return true;
  done_.assign(gain_.size(), 0);
  seed();
  return for_each_first([this](Worker& worker, std::size_t a) {
    if (!budget_.spend(1)) throw Interrupted();
    second_failures(worker, a);
    done_[a] = 1;
  });
}

double Pairs::open() const {
  const double second = gain_.empty() || failures_ == 1 ? 0 : std::max(0.0, *std::max_element(gain_.begin(), gain_.end()));
  double most = base_.maxCoeff();
  for (std::size_t a = 0; a < gain_.size(); ++a)
    if (singles_.effect(a) != nullptr && (done_.empty() || done_[a] == 0))
      most = std::max(most, base_.maxCoeff() + gain_[a] + second + singles_.unheard(a) +
                                singles_.meets(a, singles_.options()[a].site.layer));
  return most + margin_;
}

/// A failure alone, and with every one behind it where two may fail.
void Pairs::second_failures(Worker& worker, std::size_t a) {
  interruption_point();
  const double high = base_.maxCoeff() + gain_[a];
  if (!hopeless(high)) offer({a});
  if (failures_ == 1) return;
  take(worker, a);
  for (std::size_t b = a + 1; b < gain_.size(); ++b) {
    const Index layer = singles_.options()[b].site.layer;
    const double unheard = lost(worker, b);
    const double met = unheard + std::min(singles_.meets(a, layer), singles_.meets(b, layer));
    if (hopeless(high + gain_[b] + met) || !together(a, b)) continue;
    const double alone = value(a, b);
    if (!hopeless(alone + met) && !meet_harmlessly(worker, a, b, alone + unheard)) evaluate(worker, {a}, b);
  }
}

/// Whether the two stay below the incumbent, by what they are at each place where they meet.
bool Pairs::meet_harmlessly(const Worker& worker, std::size_t a, std::size_t b, double bound) const {
  for (Index l = singles_.options()[b].site.layer + 1; l <= net_.depth(); ++l) {
    bound += meet(worker, b, l);
    if (hopeless(bound + std::min(singles_.meets(a, l), singles_.meets(b, l)))) return true;
  }
  return false;
}

/// What the meetings in a layer can add to an objective.
double Pairs::meet(const Worker& worker, std::size_t b, Index layer) const {
  if (singles_.effect(b) == nullptr) return 0;
  const Singles::Touch *first = singles_.begin(b, layer), *last = singles_.end(b, layer);
  const Activation& phi = net_.activation(layer);
  const auto sum = [&](const auto& sends) {
    double total = 0;
    for (const Singles::Touch* touch = first; touch < last; ++touch) {
      const Place& place = worker.places[static_cast<std::size_t>(touch->place)];
      const double together = sends(place.moved + touch->change) - sends(place.moved);
      const double alone = sends(place.intact + touch->change) - sends(place.intact);
      total += std::abs(together - alone) * place.steep;
    }
    return total;
  };
  if (phi.rectifier() && phi.gain() == 1) return sum([](double s) { return s > 0 ? s : 0.0; });
  return sum([&](double s) { return phi(s); });
}

}  // namespace withstand::search
