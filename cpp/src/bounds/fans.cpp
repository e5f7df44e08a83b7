// SPDX-License-Identifier: MIT
#include "bounds/fans.hpp"

#include <algorithm>
#include <cmath>

#include "core/rounding.hpp"

namespace withstand::bounds {

std::vector<Fan> fans(const Network& net, Index layer) {
  std::vector<Fan> all;
  for (const Read& read : net.reads(layer)) {
    const WeightFacts& facts = read.map->facts();
    all.push_back({read.source, facts.max, facts.row_sum.maxCoeff(), facts.out});
  }
  return all;
}

std::vector<Fan> fans_of_outputs(const Network& net, Index plus, Index minus, bool apart) {
  const Affine& map = net.map(net.layers());
  Terms first, second;
  const double* const a = map.row(plus, first);
  const double* const b = minus < 0 ? nullptr : map.row(minus, second);
  std::vector<Fan> all;
  for (const Read& read : net.reads(net.layers())) {
    const auto known = [&](const Fan& fan) { return fan.source == read.source; };
    if (std::any_of(all.begin(), all.end(), known)) continue;  // the row has the weights of all its reads
    Fan fan{read.source, 0, 0, 0};
    const Index from = net.offset(net.depth(), read.source);
    for (Index i = from; i < from + net.own(read.source); ++i) {
      double weight = std::abs(a[i]);
      if (b != nullptr) weight = apart ? add_up(weight, std::abs(b[i])) : std::max(sub_up(a[i], b[i]), sub_up(b[i], a[i]));
      fan.largest = std::max(fan.largest, weight);
      fan.in = add_up(fan.in, weight);
    }
    all.push_back(fan);
  }
  return all;
}

}  // namespace withstand::bounds
