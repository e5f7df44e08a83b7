// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "activation/shape.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

/// t (1 + tanh(u)) / 2 = t logistic(2 u) with 2 u = rate (t + cubic t^3): falls up to the turn and rises beyond.
constexpr double rate = 1.5957691216057307118;  // 2 sqrt(2 / pi)
constexpr double cubic = 0.044715;
constexpr double turn = -0.75246142207101625795;
constexpr double bend = 1.4185040087908283555;

double twice(double t) { return rate * t * (1 + cubic * t * t); }

double value(double, double t) {
  const double u = twice(t);
  if (u >= 0) return t / (1 + std::exp(-u));
  const double e = std::exp(u);
  return e == 0 ? -0.0 : t * e / (1 + e);
}

/// p (1 + t (1 - p) u') with p = logistic(u); at infinite t the product has no value, and long before it is 0.
double derivative(double factor, double, double t) {
  const double s = std::min(std::max(t, -60.0), 60.0), u = twice(s), e = std::exp(-std::abs(u));
  const double p = u >= 0 ? 1 / (1 + e) : e / (1 + e), rest = u >= 0 ? e / (1 + e) : 1 / (1 + e);
  return factor * p * (1 + s * rest * rate * (1 + 3 * cubic * s * s));
}

}  // namespace

extern const Smooth gelu_tanh;
const Smooth gelu_tanh{value,
                       derivative,
                       [](double) { return 1.1289930686587720; },    // phi'(bend), rounded up
                       [](double) { return -0.17004075057125406; },  // phi(turn), rounded down
                       [](double) { return infinity; },
                       nowhere,
                       {{-bend, bend}, 2},
                       {{turn, 0}, 1},
                       [](double) { return 1.0; }};

}  // namespace withstand
