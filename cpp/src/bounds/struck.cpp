// SPDX-License-Identifier: MIT
#include "bounds/struck.hpp"

#include <algorithm>

#include "core/rounding.hpp"

namespace withstand::bounds {

std::pair<Index, Index> struck_groups(const Space::Term& term, Index layer) {
  Index groups = 0, largest = 0;
  for (const auto& [first, members] : term.members) {
    const auto here = static_cast<Index>(
        std::count_if(members.begin(), members.end(), [layer](const Site& site) { return site.layer == layer; }));
    groups += here > 0 ? 1 : 0;
    largest = std::max(largest, here);
  }
  const Index most = term.failure.total ? term.failure.counts.front() : term.count(layer);
  return {std::min(groups, most), largest};
}

void grow(const Space::Term& term, Index layer, std::vector<Fan>& fans) {
  if (!on_parameters(term.failure.effect) || term.most(layer) == 0) return;
  const Space::Term::Struck& struck = term.struck[static_cast<std::size_t>(layer)];
  const double added = mul_up(static_cast<double>(term.most(layer)), struck.growth);
  for (Fan& fan : fans) {
    fan.largest = std::max(fan.largest, struck.value());
    fan.in = add_up(fan.in, added);
    fan.out = add_up(fan.out, added);
  }
}

void grow_outputs(const Space::Term& term, Index layers, bool difference, std::vector<Fan>& outputs) {
  if (!difference) return grow(term, layers, outputs);
  if (!on_parameters(term.failure.effect) || term.most(layers) == 0) return;
  const double one = 2 * term.struck[static_cast<std::size_t>(layers)].change;
  const double all = mul_up(static_cast<double>(term.most(layers)), one);
  for (Fan& fan : outputs) {
    fan.largest = add_up(fan.largest, one);
    fan.in = add_up(fan.in, all);
    fan.out = add_up(fan.out, all);
  }
}

}  // namespace withstand::bounds
