// SPDX-License-Identifier: MIT
#include "activation/bell.hpp"

#include <algorithm>
#include <cmath>

#include "core/rounding.hpp"

namespace withstand {
namespace {

/// e^-t / (1 + e^-t)^2 for t >= 0, the logistic function's slope, as [below, above].
Interval bell(double t) {
  if (std::isinf(t)) return {0, 0};
  const double e = std::exp(-t);
  const double slope = e / ((1 + e) * (1 + e));
  const double error = (t + 16) * 2 * unit_roundoff;  // the argument was rounded, and exp magnifies that by t
  return {slope * (1 - error), slope * (1 + error) + 0x1p-1000};
}

}  // namespace

Interval bell_slopes(const Interval& t, double height) {
  const bool across = t.lower <= 0 && t.upper >= 0;
  const double near = across ? 0 : std::min(std::abs(t.lower), std::abs(t.upper));
  const double far = std::max(std::abs(t.lower), std::abs(t.upper));
  return {mul_down(height, bell(far).lower), mul_up(height, std::min(0.25, bell(near).upper))};
}

}  // namespace withstand
