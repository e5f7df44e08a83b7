// SPDX-License-Identifier: MIT
#include <algorithm>

#include "bounds/linear/relaxation.hpp"

namespace withstand {


namespace {

bool by_value(const Gain& a, const Gain& b) { return a.value != b.value ? a.value > b.value : a.site < b.site; }

}  // namespace

void LinearResult::record(const bounds::linear::Relaxation& relaxation) {
  const bounds::linear::Scratch& table = relaxation.table();
  table_ = Eigen::Map<const Matrix>(table.row(0), table.rows(), table.cols());
  for (const bounds::linear::Pool& pool : relaxation.pools()) {
    Pool columns{static_cast<Index>(columns_.size()), 0, pool.budget};
    for (const bounds::linear::Pool::Span& span : pool.spans) {
      const bounds::linear::Layer& layer = relaxation.layer(span.layer);
      for (Index c = 0; c < span.width; ++c) {
        Site site{span.layer, c, -1};
        if (pool.synapses) {
          const bounds::linear::Synapses& synapses = layer.synapses[span.index];
          site.to = c / (2 * synapses.keep);
          site.from = synapses.from[at(c)];
        }
        columns_.push_back({site, pool.term, 0});
      }
    }
    columns.last = static_cast<Index>(columns_.size());
    pools_.push_back(columns);
  }
}

std::vector<Gain> LinearResult::positive(Index row, const Pool& pool) const {
  std::vector<Gain> list;
  for (Index c = pool.first; c < pool.last; ++c)
    if (table_(row, c) > 0) list.push_back({columns_[at(c)].site, columns_[at(c)].term, table_(row, c)});
  return list;
}

std::vector<Gain> LinearResult::gains(Index row) const {
  std::vector<Gain> all;
  for (const Pool& pool : pools_) {
    const std::vector<Gain> some = positive(row, pool);
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

std::vector<Gain> LinearResult::table(Index row) const {
  std::vector<Gain> all = columns_;
  for (std::size_t c = 0; c < all.size(); ++c) all[c].value = table_(row, static_cast<Index>(c));
  return all;
}

std::vector<Gain> LinearResult::selected(Index row) const {
  std::vector<Gain> all;
  for (const Pool& pool : pools_) {
    std::vector<Gain> some = positive(row, pool);
    const auto count = static_cast<std::ptrdiff_t>(std::min(at(pool.budget), some.size()));
    std::partial_sort(some.begin(), some.begin() + count, some.end(), by_value);
    all.insert(all.end(), some.begin(), some.begin() + count);
  }
  std::sort(all.begin(), all.end(), by_value);
  return all;
}

}  // namespace withstand
