// SPDX-License-Identifier: MIT
// The largest gains that a count of failures allows, against sorting: few and many, at most and exactly.
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "check.hpp"
#include "core/top_sum.hpp"

using withstand::Index;
using withstand::top_between;
using withstand::top_indices;
using withstand::top_values;
using withstand::top_sum;

namespace {

double sorted_sum(std::vector<double> gains, Index count, bool exactly) {
  std::sort(gains.begin(), gains.end(), std::greater<>());
  double sum = 0;
  for (Index i = 0; i < std::min(count, static_cast<Index>(gains.size())); ++i)
    if (exactly || gains[static_cast<std::size_t>(i)] > 0) sum += gains[static_cast<std::size_t>(i)];
  return sum;
}

}  // namespace

int main() {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  std::vector<double> gains;  // distinct whole numbers in no order, a third of them below 0: sums are exact
  for (int i = 0; i < 61; ++i) gains.push_back((37 * i) % 61 - 20);
  const auto n = static_cast<Index>(gains.size());
  for (Index count = 0; count <= n; ++count)
    for (const bool exactly : {false, true})
      CHECK(top_sum(gains.data(), n, count, exactly) == sorted_sum(gains, count, exactly));
  CHECK(top_sum(gains.data(), n, n + 1) == sorted_sum(gains, n, false));
  CHECK(top_sum(gains.data(), n, n + 1, true) == -infinity);
  for (const Index count : {Index{3}, Index{40}}) {
    const std::vector<Index> best = top_indices(gains.data(), n, count);
    CHECK(static_cast<Index>(best.size()) == std::min<Index>(count, 40));  // 40 of them are positive
    for (std::size_t i = 0; i < best.size(); ++i) CHECK(gains[static_cast<std::size_t>(best[i])] == 40.0 - static_cast<double>(i));
  }
  for (Index least = 0; least <= n; least += 5)
    for (Index most = least; most <= n; ++most) {
      std::vector<double> copy = gains, sorted = gains;
      std::sort(sorted.begin(), sorted.end(), std::greater<>());
      double sum = 0;
      for (Index i = 0; i < most; ++i)
        if (i < least || sorted[static_cast<std::size_t>(i)] > 0) sum += sorted[static_cast<std::size_t>(i)];
      CHECK(top_between(copy, least, most) == sum);
      sorted.resize(static_cast<std::size_t>(most));
      CHECK(top_values(gains, most) == sorted);
    }
  CHECK(top_values(gains, n + 5).size() == gains.size());
  gains[50] = std::nan("");
  CHECK(top_between(gains, 0, 3) == infinity && top_between(gains, 2, 20) == infinity);
  CHECK(top_sum(gains.data(), n, 2) == infinity && top_sum(gains.data(), n, 30) == infinity);
}
