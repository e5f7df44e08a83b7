// SPDX-License-Identifier: MIT
#include <cmath>

#include "bounds/linear_node.hpp"
#include "withstand/kernels.hpp"
#include "withstand/selection.hpp"

// Back-substitution. For a coefficient a on a signal z that is not failed, a z <= a (line of the carrier): the upper line
// where a > 0, the lower one where a < 0. A failure of the neuron adds at most its gain to that (selection lemma), so
//
//   a z  <=  sum of the lines  +  the r largest gains,
//
// and the lines go on as coefficients (a * slope) W on the signals of the layer before.
namespace withstand {

using relaxed::epsilon;
using relaxed::Layer;
using relaxed::Rates;
using relaxed::Segment;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Row of coefficients a: carrier coefficients, and the offsets split off.
struct Offsets {
  double sum = 0, size = 0;
};
Offsets split(const Layer& layer, const double* a, double* carrier, Index n) {
  Offsets offsets;
  for (Index i = 0; i < n; ++i) {
    const double positive = a[i] > 0 ? a[i] : 0, negative = a[i] > 0 ? 0 : a[i];
    const double offset = positive * layer.upper_offset[i] + negative * layer.lower_offset[i];
    carrier[i] = positive * layer.upper_slope[i] + negative * layer.lower_slope[i];
    offsets.sum += offset;
    offsets.size += std::abs(offset);
  }
  return offsets;
}

/// The same with the constants z <= signal.upper, z >= signal.lower as lines.
Offsets flatten(const Layer& layer, const double* a, Index n) {
  Offsets offsets;
  for (Index i = 0; i < n; ++i) {
    const double offset = a[i] > 0 ? a[i] * layer.signal.upper[i] : a[i] * layer.signal.lower[i];
    offsets.sum += offset;
    offsets.size += std::abs(offset);
  }
  return offsets;
}

void gains(const Rates& rates, const double* a, double* out, Index n) {
  for (Index i = 0; i < n; ++i) out[i] = a[i] > 0 ? a[i] * rates.positive[i] : -a[i] * rates.negative[i];
}

/// A component that may not fail offers no gain: 0, or nothing to choose where a number of failures is prescribed.
void close(const Segment& segment, double* out) {
  for (Index i = 0; i < segment.width; ++i)
    if (!segment.open[static_cast<std::size_t>(i)]) out[i] = -infinity;
}

}  // namespace

void LinearBound::Node::start(Index rows) {
  block.constant.setZero(rows);
  block.size.setZero(rows);
  block.slack.setZero(rows);
  block.table.resize(rows, columns);
}

void LinearBound::Node::substitute(Index top) {
  const Network& net = given->net;
  const Index rows = block.signal.rows();
  for (Index l = top; l >= 0 && layers[static_cast<std::size_t>(l)].live; --l) {
    const Layer& layer = layers[static_cast<std::size_t>(l)];
    const Index n = block.signal.cols();
    const double terms = static_cast<double>(n + 8) * epsilon;
    block.carrier.resize(rows, n);
    for (Index r = 0; r < rows; ++r) {
      const double* a = block.signal.data() + r * n;
      const Offsets offsets = split(layer, a, block.carrier.data() + r * n, n);
      block.constant(r) += offsets.sum;
      block.size(r) += offsets.size;
      block.slack(r) += terms * offsets.size;
      for (const Segment& segment : layer.segments)
        gains(segment.rates, a, block.table.data() + r * columns + segment.first, n);
    }
    if (!layer.carried) break;
    // The computed coefficients are taken for the true ones; what they are off by, at most (n + 2) u |a| |W|, times the
    // largest signals, is the rounding error of this step.
    block.slack.noalias() += terms * (block.carrier.cwiseAbs() * layer.rounding);
    const Matrix& w = net.weight(l);
    block.signal.setZero(rows, w.cols());
    kernels().multiply_add(rows, w.cols(), n, block.carrier.data(), n, w.data(), w.cols(), block.signal.data(), w.cols());
  }
}

void LinearBound::Node::concretise(Index top) {
  const Layer& layer = layers[static_cast<std::size_t>(top)];
  const Index rows = block.signal.rows(), n = block.signal.cols();
  for (Index r = 0; r < rows; ++r) {
    const double* a = block.signal.data() + r * n;
    const Offsets offsets = flatten(layer, a, n);
    block.constant(r) += offsets.sum;
    block.size(r) += offsets.size;
    block.slack(r) += static_cast<double>(n + 8) * epsilon * offsets.size;
    for (const Segment& segment : layer.segments)
      gains(segment.flat, a, block.table.data() + r * columns + segment.first, n);
  }
}

double LinearBound::Node::value(Index row, Index top, bool flat) {
  double sum = block.constant(row), size = block.size(row), slack = block.slack(row);
  if (!std::isfinite(sum) || !std::isfinite(slack)) return infinity;
  for (const relaxed::Pool& pool : pools) {
    Index first = -1, width = 0;
    bool complete = true;
    for (const auto& [layer, index] : pool.segments) {
      const Segment& segment = layers[static_cast<std::size_t>(layer)].segments[index];
      const bool reached = layer <= top && (!flat || layer == top);
      complete = complete && reached;
      if (!reached) continue;
      if (first < 0) first = segment.first;
      width += segment.width;
      if (pool.exactly) close(segment, block.table.data() + row * columns + segment.first);
    }
    if (width == 0) continue;
    const double* row_gains = block.table.data() + row * columns + first;
    const double gain = top_sum(row_gains, width, pool.budget, pool.exactly && complete);
    if (gain == -infinity) return gain;
    sum += gain;
    for (Index i = 0; pool.exactly && i < width; ++i)
      if (std::isfinite(row_gains[i])) size += std::abs(row_gains[i]);
    size += std::abs(gain);
    slack += static_cast<double>(pool.budget + 4) * epsilon * size;
  }
  slack += static_cast<double>(4 * layers.size() + 2 * pools.size() + 8) * epsilon * size;
  const double bound = sum + slack * (1 + 1e-9);
  return std::isnan(bound) ? infinity : bound;
}

}  // namespace withstand
