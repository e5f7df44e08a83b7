// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "activation/bell.hpp"
#include "activation/shape.hpp"

namespace withstand {
namespace {

/// The exponent is never positive: no overflow, and full relative accuracy on both sides.
double value(double, double t) { return t >= 0 ? 1.0 / (1.0 + std::exp(-t)) : std::exp(t) / (1.0 + std::exp(t)); }

double derivative(double factor, double, double t) {
  const double e = std::exp(-std::abs(t));
  return factor * e / ((1 + e) * (1 + e));
}

/// The steepest stretch of a length is the one centred at 0; libm is good to well below 4 ulp, and the tiny term covers
/// results below the normal range.
double modulus(double, double gain, double eta) {
  constexpr double up = 1.0 + 8 * std::numeric_limits<double>::epsilon();
  return std::min(1.0, std::tanh(gain * eta / 4) * up + 1e-300);
}

/// p (1 - p) = slope
int touching(double, double slope, double* t) {
  if (!(slope > 0 && slope < 0.25)) return 0;
  const double s = 2 * std::log1p(std::sqrt(1 - 4 * slope)) - std::log(4 * slope);
  t[0] = -s, t[1] = s;
  return 2;
}

}  // namespace

extern const Smooth logistic;
const Smooth logistic{value,
                      derivative,
                      [](double) { return 0.25; },
                      [](double) { return 0.0; },
                      [](double) { return 1.0; },
                      nowhere,
                      {{0, 0}, 1},
                      nowhere,
                      [](double) { return 1.0; },
                      false,
                      modulus,
                      [](double, const Interval& t) { return bell_slopes(t, 1); },
                      touching};

}  // namespace withstand
