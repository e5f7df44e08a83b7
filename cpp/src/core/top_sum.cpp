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

constexpr Index few = 16;  // up to here keeping the largest on the fly beats a partition

/// The largest so far in order: almost every gain fails one comparison and is never looked at again.
double insert_few(const double* gains, Index n, Index count, double floor) {
  std::array<double, few> best;
  best.fill(floor);
  if (!keep_largest(gains, n, best.data(), count)) return infinity;
  const auto last = static_cast<std::size_t>(count - 1);
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

/// From the smallest of them up. A single `few` for both sums would change the last bits of bounds on 9 to 16 failures.
double positive_few(const std::vector<double>& gains, Index most) {
  std::array<double, few> best{};
  if (!keep_largest(gains.data(), static_cast<Index>(gains.size()), best.data(), most)) return infinity;
  double sum = 0;
  for (Index i = most - 1; i >= 0; --i) sum += best[static_cast<std::size_t>(i)];
  return std::isnan(sum) ? infinity : sum;
}

}  // namespace

double top_sum(const double* gains, Index n, Index count, bool exactly) {
  if (count <= 0) return 0;
  if (exactly && n < count) return -infinity;
  return count <= few ? insert_few(gains, n, count, exactly ? -infinity : 0.0)
                      : partition_many(gains, n, count, exactly);
}

double top_between(std::vector<double>& gains, Index least, Index most) {
  const auto size = static_cast<Index>(gains.size());
  most = std::min(most, size);
  if (most <= 0) return 0;
  if (least == 0 && most <= few / 2) return positive_few(gains, most);
  for (const double gain : gains)
    if (std::isnan(gain)) return infinity;
  const auto last = gains.begin() + most;
  if (most < size) std::nth_element(gains.begin(), last - 1, gains.end(), std::greater<>());
  if (least > 0 && least < most) std::nth_element(gains.begin(), gains.begin() + least - 1, last, std::greater<>());
  double sum = 0;
  for (auto gain = gains.begin(); gain != last; ++gain)
    if (gain < gains.begin() + least || *gain > 0) sum += *gain;
  return sum;
}

std::vector<double> top_values(std::vector<double> values, Index count) {
  const auto size = std::min(static_cast<std::ptrdiff_t>(count), static_cast<std::ptrdiff_t>(values.size()));
  std::partial_sort(values.begin(), values.begin() + size, values.end(), std::greater<>());
  values.resize(static_cast<std::size_t>(size));
  return values;
}

bool keep_largest(const double* values, Index n, double* best, Index count) {
  const Index last = count - 1;
  for (Index i = kernels().next_above(n, values, best[last], 0); i < n;
       i = kernels().next_above(n, values, best[last], i + 1)) {
    const double value = values[i];
    if (std::isnan(value)) return false;
    Index at = last;
    for (; at > 0 && best[at - 1] < value; --at) best[at] = best[at - 1];
    best[at] = value;
  }
  return true;
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
