// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "activation/shape.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

double derivative(double factor, double, double t) {
  return t >= 0 ? factor / (1 + std::exp(-t)) : factor * std::exp(t) / (1 + std::exp(t));
}

/// phi' is the logistic function: a few units in the last place of it, and what the rounding of t moves it by.
Interval slopes(double, const Interval& t) {
  const auto spread = [](double at, double value) {
    return 8 * unit_roundoff * value + 2 * unit_roundoff * (std::min(std::abs(at), 1.0) * 0.25) + 0x1p-1000;
  };
  const auto logistic = [](double at) {
    return at >= 0 ? 1.0 / (1.0 + std::exp(-at)) : std::exp(at) / (1.0 + std::exp(at));
  };
  const double low = logistic(t.lower), high = logistic(t.upper);
  return {std::max(low - spread(t.lower, low), 0.0), std::min(high + spread(t.upper, high), 1.0)};
}

/// logistic(t) = slope
int touching(double, double slope, double* t) {
  if (!(slope > 0 && slope < 1)) return 0;
  t[0] = std::log(slope) - std::log1p(-slope);
  return 1;
}

}  // namespace

extern const Smooth softplus;
const Smooth softplus{[](double, double t) { return std::max(t, 0.0) + std::log1p(std::exp(-std::abs(t))); },
                      derivative,
                      [](double) { return 1.0; },
                      [](double) { return 0.0; },
                      [](double) { return infinity; },
                      nowhere,
                      nowhere,
                      nowhere,
                      [](double) { return 1.0; },
                      false,
                      nullptr,
                      slopes,
                      touching};

}  // namespace withstand
