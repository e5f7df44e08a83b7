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
  worker.encounter.start(intact_.pre);
  worker.encounter.first(alone(a));
  for (std::size_t b = a + 1; b < gain_.size(); ++b) {
    const Index layer = singles_.options()[b].site.layer;
    const double unheard = lost(worker, b);
    const double met = unheard + std::min(singles_.meets(a, layer), singles_.meets(b, layer));
    if (hopeless(high + gain_[b] + met) || !together(a, b)) continue;
    const double alone = value(a, b);
    if (!hopeless(alone + met) && !meet_harmlessly(worker, a, b, alone + unheard)) evaluate(worker, {a}, b);
  }
}

/// What the second one, which has failed itself, does not hand on of what the first does to it, at most.
double Pairs::lost(const Worker& worker, std::size_t b) const {
  const Site& site = singles_.options()[b].site;
  return std::abs(worker.reached.signal(site.layer, site.to) - intact_.post[at(site.layer)](site.to)) *
         singles_.steep()[at(site.layer)](site.to);
}

/// Whether the two stay below the incumbent, by what they are at each place where they meet.
bool Pairs::meet_harmlessly(const Worker& worker, std::size_t a, std::size_t b, double bound) const {
  const Encounter::Alone second = alone(b);
  for (Index l = second.site.layer + 1; l <= net_.depth(); ++l) {
    bound += worker.encounter.meet(second, l);
    if (hopeless(bound + std::min(singles_.meets(a, l), singles_.meets(b, l)))) return true;
  }
  return false;
}

}  // namespace withstand::search
