// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "activation/shape.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

double steepest(double alpha) { return std::max(1.0, alpha); }

/// Steepest below 0 where alpha > 1: the stretch of length t that begins at -min(t, log alpha) is the steepest.
double unit_modulus(double alpha, double t) {
  if (alpha <= 1) return t;
  constexpr double up = 1.0 + 16 * std::numeric_limits<double>::epsilon();
  const double below = std::log(alpha);
  return t <= below ? -alpha * std::expm1(-t) * up : (alpha - 1) * up + (t - below) + t * 4e-16;
}

double modulus(double alpha, double gain, double eta) {
  return std::min(mul_up(mul_up(gain, steepest(alpha)), eta), unit_modulus(alpha, mul_up(gain, eta)));
}

Interval slopes(double alpha, const Interval& t) {
  if (t.lower >= 0) return {1, 1};
  const double lowest = alpha * std::exp(t.lower) * (1 - (std::min(-t.lower, 800.0) + 8) * 2 * unit_roundoff);
  const double high = t.upper >= 0 ? alpha : alpha * std::exp(t.upper) * (1 + (8 - t.upper) * 2 * unit_roundoff);
  const double highest = std::min(alpha, high + 0x1p-1000);
  return t.upper >= 0 ? Interval{std::min(lowest, 1.0), std::max(highest, 1.0)} : Interval{lowest, highest};
}

int touching(double alpha, double slope, double* t) {
  if (!(slope > 0 && slope < alpha)) return 0;
  t[0] = std::log(slope / alpha);
  return 1;
}

}  // namespace

extern const Smooth elu;
const Smooth elu{[](double alpha, double t) { return t >= 0 ? t : alpha * std::expm1(t); },
                 [](double factor, double alpha, double t) { return t > 0 ? factor : factor * alpha * std::exp(t); },
                 steepest,
                 [](double alpha) { return alpha == 0 ? 0.0 : -alpha; },
                 [](double) { return infinity; },
                 {{0, 0}, 1},
                 nowhere,
                 nowhere,
                 steepest,
                 true,
                 modulus,
                 slopes,
                 touching};

}  // namespace withstand
