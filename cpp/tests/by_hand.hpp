// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include "../bench/setting.hpp"
#include "core/rounding.hpp"
#include "failure/effects.hpp"
#include "withstand/failed.hpp"
#include "withstand/search.hpp"

namespace withstand {

struct Worst {
  std::uint64_t count = 0;
  double harm = -infinity;
};

/// Every set of at most two components of one model, in every way that they have, one after the other.
inline Worst by_hand(const Setting& s, const Space& space, Goal goal) {
  const Space::Term& term = space.terms().front();
  const Index most = term.failure.counts.front();
  std::vector<Failed> options;
  for (const std::vector<Site>& layer : term.sites)
    for (const Site& site : layer)
      for (int way = 0; way < ways(term.failure); ++way)
        if (offers(term.failure, way, site, site.is_parameter() ? stored(s.network, site) : 1)) options.push_back({site, 0, way, 0});
  Worst worst;
  const auto visit = [&](const std::vector<Failed>& set) {
    ++worst.count;
    for (Index n = 0; n < s.inputs.rows(); ++n) {
      const Vector input = s.inputs.row(n).transpose();
      worst.harm = std::max(worst.harm, replay(s.network, input, forced_by(s.network, space, input, set), goal).harm);
    }
  };
  if (!term.failure.exactly) visit({});
  for (std::size_t a = 0; a < options.size(); ++a) {
    if (!term.failure.exactly || most == 1) visit({options[a]});
    for (std::size_t b = a + 1; most > 1 && b < options.size(); ++b)
      if (options[a].site != options[b].site) visit({options[a], options[b]});
  }
  return worst;
}

}  // namespace withstand
