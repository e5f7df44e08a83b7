// SPDX-License-Identifier: MIT
#include "search/meetings/beside.hpp"

#include <algorithm>

namespace withstand::search {

Beside::Beside(const Singles& singles, const Matrix& objectives, Reached& reached)
    : singles_(singles), objectives_(objectives), reached_(reached), known_(singles.options().size()),
      outputs_(objectives.cols()) {}

const Beside::Known& Beside::known(std::size_t option) {
  Known& known = known_[option];
  if (known.yes) return known;
  const Option& o = singles_.options()[option];
  reached_.run(o.site.layer, o.site.to, o.value, outputs_.data(), 1);
  known = {true, effects_.size(), touches_.size(), 0};
  const Vector effect = objectives_ * (outputs_ - reached_.outputs());
  effects_.insert(effects_.end(), effect.data(), effect.data() + effect.size());
  for (Index l = o.site.layer + 1; l <= reached_.led_to(); ++l) {
    const Few& sums = reached_.sums(l);
    for (std::size_t n = 0; n < sums.at.size(); ++n)
      if (sums.at[n] < singles_.places().count(l) && sums.value[n] != 0)
        touches_.push_back({static_cast<int>(singles_.places().first(l) + sums.at[n]), 0, sums.value[n]});
  }
  known.end = touches_.size();
  return known;
}

const double* Beside::effect(std::size_t option) {
  const std::size_t effect = known(option).effect;
  return effects_.data() + effect;
}

Encounter::Alone Beside::alone(std::size_t option) {
  const Known& alone = known(option);
  return {singles_.options()[option].site, touches_.data() + alone.begin, touches_.data() + alone.end};
}

}  // namespace withstand::search
