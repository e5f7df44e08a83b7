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

}  // namespace withstand
