// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include "core/interval.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds {

/// The largest product of two numbers from two intervals; of infinity and 0 it is 0.
inline double most(const Interval& a, const Interval& b) {
  return std::max(std::max(mul_up(a.lower, b.lower), mul_up(a.lower, b.upper)),
                  std::max(mul_up(a.upper, b.lower), mul_up(a.upper, b.upper)));
}

inline double least(const Interval& a, const Interval& b) { return -most({-a.upper, -a.lower}, b); }

}  // namespace withstand::bounds
