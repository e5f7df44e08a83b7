// SPDX-License-Identifier: MIT
#include "bounds/fans.hpp"

#include <algorithm>
#include <cmath>

#include "core/rounding.hpp"

namespace withstand::bounds {

std::vector<Fan> fans(const Network& net, Index layer) {
  std::vector<Fan> all;
  for (const Read& read : net.reads(layer)) {
    Fan fan{read.source, 1, 1, 1};
    if (read.map) {
      fan.largest = read.map->facts().max;
      fan.in = read.map->facts().row_sum.maxCoeff();
      Vector out = Vector::Zero(read.map->cols());
      Terms terms;
      for (Index j = 0; j < read.map->rows(); ++j) {
        read.map->terms_of_row(j, terms);
        for (Index t = 0; t < terms.size; ++t) out(terms.sender(t)) += std::abs(terms.weight[t]);
      }
      fan.out = out.maxCoeff() * (1 + 2 * static_cast<double>(read.map->rows() + 4) * unit_roundoff);
    }
    all.push_back(fan);
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
