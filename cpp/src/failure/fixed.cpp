// SPDX-License-Identifier: MIT
// Crashes, stuck neurons and stuck parameters: values that do not depend on the signal, one way each.
#include <algorithm>

#include "core/rounding.hpp"

#include "failure/conduct.hpp"

namespace withstand {
namespace {

int count(const Failure& failure) { return failure.amount.empty() ? 1 : static_cast<int>(failure.amount.size()); }

double value_of(const Failure& failure, int way, const Site&, double, double) {
  return failure.amount.empty() ? 0 : failure.amount[static_cast<std::size_t>(way)];
}

Interval range(const Failure& failure, const Site&, const Interval&, double) {
  if (failure.amount.empty()) return {0, 0};
  const auto [least, most] = std::minmax_element(failure.amount.begin(), failure.amount.end());
  return {*least, *most};
}

}  // namespace

extern const Alternatives fixed{count, value_of, range};

extern const Alternatives fixed_parameter{
    count,
    [](const Failure& failure, int way, const Site& site, double signal, double weight) {
      return value_of(failure, way, site, signal, weight) * signal;
    },
    [](const Failure& failure, const Site& site, const Interval& signal, double weight) {
      const Interval values = range(failure, site, signal, weight);
      Interval hull{infinity, -infinity};
      for (const double value : {values.lower, values.upper})
        for (const double y : {signal.lower, signal.upper})
          hull = {std::min(hull.lower, mul_down(value, y)), std::max(hull.upper, mul_up(value, y))};
      return hull;
    },
};

extern const Alternatives nothing{
    [](const Failure&) { return 1; },
    [](const Failure&, int, const Site&, double, double) { return 0.0; },
    [](const Failure&, const Site&, const Interval&, double) { return Interval{0, 0}; },
};

}  // namespace withstand
