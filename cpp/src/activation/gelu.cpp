// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "activation/shape.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

/// t P(t) with the normal distribution's P: falls up to the turn and rises beyond; phi'' = (2 - t^2) P'.
constexpr double turn = -0.75179152469356445746;
constexpr double bend = 1.4142135623730950488;
constexpr double root_half = 0.70710678118654752440;
constexpr double density = 0.39894228040143267794;  // P'(0)

/// P(t) without cancellation on either side. Far on the left the rounding of its argument is magnified, by t^2, but the
/// product is small there: it is good to a few units in the last place of itself or of 1/4.
double distribution(double t) { return 0.5 * std::erfc(-root_half * t); }

double value(double, double t) {
  const double p = distribution(t);
  return p == 0 ? -0.0 : t * p;
}

/// P + t P'; at infinite t the product has no value, and long before it is 0.
double derivative(double factor, double, double t) {
  const double s = std::min(std::max(t, -60.0), 60.0);
  return factor * (distribution(s) + s * density * std::exp(-0.5 * s * s));
}

}  // namespace

extern const Smooth gelu;
const Smooth gelu{value,
                  derivative,
                  [](double) { return 1.1289041451851551; },    // phi'(bend), rounded up
                  [](double) { return -0.16997120747990369; },  // phi(turn), rounded down
                  [](double) { return infinity; },
                  nowhere,
                  {{-bend, bend}, 2},
                  {{turn, 0}, 1},
                  [](double) { return 1.0; }};

}  // namespace withstand
