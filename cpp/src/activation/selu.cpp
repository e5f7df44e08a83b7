// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "activation/shape.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

/// Slope beyond 0, and below it the factor of e^t - 1: the product of the two constants that frameworks have.
constexpr double right = 1.0507009873554804934;
constexpr double left = 1.6732632423543772848 * right;

/// As for elu with alpha > 1: the steepest stretch of length h begins where left e^t = right, or ends at 0.
double modulus(double, double gain, double eta) {
  constexpr double up = 1.0 + 16 * std::numeric_limits<double>::epsilon();
  const double h = mul_up(gain, eta), below = std::min(h, std::log(left / right));
  const double risen = (-left * std::expm1(-below) + right * (h - below)) * up;
  return std::min(mul_up(mul_up(gain, left), eta), risen + h * 4e-16);
}

int touching(double, double slope, double* t) {
  if (!(slope > 0 && slope < left)) return 0;
  t[0] = std::log(slope / left);
  return 1;
}

}  // namespace

extern const Smooth selu;
const Smooth selu{[](double, double t) { return t >= 0 ? right * t : left * std::expm1(t); },
                  [](double factor, double, double t) { return t > 0 ? factor * right : factor * left * std::exp(t); },
                  [](double) { return left; },
                  [](double) { return -left; },
                  [](double) { return infinity; },
                  {{0, 0}, 1},
                  nowhere,
                  nowhere,
                  [](double) { return left; },
                  true,
                  modulus,
                  nullptr,
                  touching};

}  // namespace withstand
