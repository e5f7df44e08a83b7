// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

namespace withstand {

struct Interval {
  double lower = 0;
  double upper = 0;
};

/// max |x| over an interval.
inline double magnitude(const Interval& range) { return std::max(std::abs(range.lower), std::abs(range.upper)); }
inline double middle(const Interval& range) { return 0.5 * range.lower + 0.5 * range.upper; }
inline Interval hull(const Interval& a, const Interval& b) {
  return {std::min(a.lower, b.lower), std::max(a.upper, b.upper)};
}

}  // namespace withstand
