// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "activation/bell.hpp"
#include "activation/shape.hpp"

namespace withstand {
namespace {

/// t / (1 + |t|): both operations are relative to the value, so it loses nothing at either end.
double value(double, double t) { return std::isinf(t) ? std::copysign(1.0, t) : t / (1 + std::abs(t)); }

/// 1 / (1 + |t|)^2, divided twice: the square would overflow first.
double derivative(double factor, double, double t) {
  const double size = 1 + std::abs(t);
  return factor / size / size;
}

/// Steepest around 0: twice the value at half the distance.
double modulus(double, double gain, double eta) {
  constexpr double up = 1.0 + 8 * std::numeric_limits<double>::epsilon();
  return std::min(2.0, 2 * value(0, gain * eta / 2) * up + 1e-300);
}

/// 1 / (1 + |t|)^2 = slope
int touching(double, double slope, double* t) {
  if (!(slope > 0 && slope < 1)) return 0;
  const double s = (1 - slope) / (std::sqrt(slope) * (1 + std::sqrt(slope)));
  t[0] = -s, t[1] = s;
  return 2;
}

}  // namespace

extern const Smooth softsign;
constexpr Smooth softsign = odd_sigmoid(value, derivative, modulus, nullptr, touching);

}  // namespace withstand
