// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "activation/shape.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

/// t logistic(t): falls up to the turn and rises beyond; convex between the bends.
constexpr double turn = -1.2784645427610737951;
constexpr double bend = 2.3993572805154676678;

double value(double, double t) {
  if (t >= 0) return t / (1 + std::exp(-t));
  const double e = std::exp(t);
  return e == 0 ? -0.0 : t * e / (1 + e);
}

/// p (1 + t (1 - p)) with p = logistic(t); at infinite t the product has no value, and long before it is 0.
double derivative(double factor, double, double t) {
  const double s = std::min(std::max(t, -700.0), 700.0), e = std::exp(-std::abs(s));
  const double p = s >= 0 ? 1 / (1 + e) : e / (1 + e), rest = s >= 0 ? e / (1 + e) : 1 / (1 + e);
  return factor * p * (1 + s * rest);
}

}  // namespace

extern const Smooth silu;
const Smooth silu{value,
                  derivative,
                  [](double) { return 1.0998393201288670; },   // phi'(bend), rounded up
                  [](double) { return -0.27846454276107385; },  // phi(turn), rounded down
                  [](double) { return infinity; },
                  nowhere,
                  {{-bend, bend}, 2},
                  {{turn, 0}, 1},
                  [](double) { return 1.0; }};

}  // namespace withstand
