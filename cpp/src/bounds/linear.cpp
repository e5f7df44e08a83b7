// SPDX-License-Identifier: MIT
#include "withstand/linear.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "bounds/linear_node.hpp"

namespace withstand {

using relaxed::epsilon;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr Index chunk = 64;  ///< receivers bounded together: their coefficients stay in the second-level cache

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

bool by_value(const Gain& a, const Gain& b) { return a.value != b.value ? a.value > b.value : a.site < b.site; }

/// c z over a range of z, rounded up.
double support(const LayerRange& range, const double* c, Index n) {
  double sum = 0, size = 0;
  for (Index i = 0; i < n; ++i) {
    const double product = c[i] == 0 ? 0 : c[i] * (c[i] > 0 ? range.upper(i) : range.lower(i));
    sum += product;
    size += std::abs(product);
  }
  return sum + static_cast<double>(n + 4) * epsilon * size;
}

}  // namespace

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

std::vector<Gain> LinearResult::selected(Index row) const {
  std::vector<Gain> all;
  for (const Pool& pool : pools_) {
    std::vector<Gain> some = positive(row, pool);
    const auto count = std::min(at(pool.budget), some.size());
    std::partial_sort(some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count), some.end(), by_value);
    all.insert(all.end(), some.begin(), some.begin() + static_cast<std::ptrdiff_t>(count));
  }
  std::sort(all.begin(), all.end(), by_value);
  return all;
}

LinearBound::LinearBound(const Network& network, const Space& space, ConstVectorRef lower, ConstVectorRef upper)
    : prepared_(std::make_shared<Prepared>(network, space, lower, upper)), node_(std::make_unique<Node>()) {}
LinearBound::LinearBound(const LinearBound& other) : prepared_(other.prepared_), node_(std::make_unique<Node>()) {}
LinearBound::LinearBound(LinearBound&&) noexcept = default;
LinearBound::~LinearBound() = default;

const std::vector<LayerRange>& LinearBound::nominal() const { return prepared_->pre; }

LinearResult LinearBound::operator()(const Restriction& restriction, const ConstMatrixRef& rows, const LinearRanges* known) {
  const Network& net = prepared_->net;
  if (rows.cols() != net.outputs())
    throw std::invalid_argument("objectives have " + std::to_string(rows.cols()) + " columns, the network has " +
                                std::to_string(net.outputs()) + " outputs");
  Node& node = *node_;
  node.begin(*prepared_, restriction);
  for (Index l = 0; l <= net.depth(); ++l) {
    if (l > 0) node.bound_carriers(l, known);
    node.relax(l);
  }
  LinearResult result;
  node.bound_outputs(rows, known, result.deviation);
  result.faulty = result.deviation;
  for (Index r = 0; r < rows.rows(); ++r) {
    if (node.empty) result.deviation(r) = -infinity;
    result.faulty(r) =
        relaxed::up(result.deviation(r) + support(prepared_->post[at(net.layers())], rows.row(r).data(), rows.cols()));
  }
  result.ranges = node.ranges;
  result.table_ = node.block.table;
  for (const relaxed::Pool& pool : node.pools) {
    LinearResult::Pool range{static_cast<Index>(result.columns_.size()), 0, pool.budget};
    for (const auto& [layer, index] : pool.segments) {
      const relaxed::Segment& segment = node.layers[at(layer)].segments[index];
      for (Index i = 0; i < segment.width; ++i) result.columns_.push_back({{layer, i, -1}, segment.term, 0});
    }
    range.last = static_cast<Index>(result.columns_.size());
    result.pools_.push_back(range);
  }
  return result;
}

}  // namespace withstand
