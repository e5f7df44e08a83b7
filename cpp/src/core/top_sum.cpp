// SPDX-License-Identifier: MIT
#include "core/top_sum.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <vector>

#include "kernels/kernels.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

constexpr Index few = 16;

/// Few: keep the largest so far in order; almost every gain fails one comparison and is never looked at again.
double insert_few(const double* gains, Index n, Index count, double floor) {
  std::array<double, few> best;
  best.fill(floor);
  const auto last = static_cast<std::size_t>(count - 1);
  for (Index i = kernels().next_above(n, gains, best[last], 0); i < n;
       i = kernels().next_above(n, gains, best[last], i + 1)) {
    const double gain = gains[i];
    if (std::isnan(gain)) return infinity;
    std::size_t at = last;
    for (; at > 0 && best[at - 1] < gain; --at) best[at] = best[at - 1];
    best[at] = gain;
  }
  double sum = 0;
  for (std::size_t i = 0; i <= last; ++i) sum += best[i];
  return sum;
}

double partition_many(const double* gains, Index n, Index count, bool exactly) {
  std::vector<double> kept;
  for (Index i = 0; i < n; ++i) {
    if (std::isnan(gains[i])) return infinity;
    if (exactly || gains[i] > 0) kept.push_back(gains[i]);
  }
  const Index size = std::min(count, static_cast<Index>(kept.size()));
  std::nth_element(kept.begin(), kept.begin() + size, kept.end(), std::greater<double>());
  double sum = 0;
  for (Index i = 0; i < size; ++i) sum += kept[static_cast<std::size_t>(i)];
  return sum;
}

}  // namespace

double top_sum(const double* gains, Index n, Index count, bool exactly) {
  if (count <= 0) return 0;
  if (exactly && n < count) return -infinity;
  return count <= few ? insert_few(gains, n, count, exactly ? -infinity : 0.0)
                      : partition_many(gains, n, count, exactly);
}

std::vector<Index> top_indices(const double* gains, Index n, Index count) {
  std::vector<Index> indices;
  for (Index i = 0; i < n; ++i)
    if (gains[i] > 0) indices.push_back(i);
  const auto size = std::min(static_cast<std::ptrdiff_t>(count), static_cast<std::ptrdiff_t>(indices.size()));
  std::partial_sort(indices.begin(), indices.begin() + size, indices.end(),
                    [gains](Index a, Index b) { return gains[a] != gains[b] ? gains[a] > gains[b] : a < b; });
  indices.resize(static_cast<std::size_t>(size));
  return indices;
}

}  // namespace withstand
