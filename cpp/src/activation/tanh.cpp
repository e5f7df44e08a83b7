// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "activation/bell.hpp"
#include "activation/shape.hpp"

namespace withstand {
namespace {

double derivative(double factor, double, double t) {
  const double y = std::tanh(t);
  return factor * (1 - y * y);
}

/// As for the logistic function: tanh(t) = 2 logistic(2 t) - 1.
double modulus(double, double gain, double eta) {
  constexpr double up = 1.0 + 8 * std::numeric_limits<double>::epsilon();
  return std::min(2.0, 2 * std::tanh(gain * eta / 2) * up + 1e-300);
}

/// 1 - y^2 = slope
int touching(double, double slope, double* t) {
  if (!(slope > 0 && slope < 1)) return 0;
  const double s = std::log1p(std::sqrt(1 - slope)) - 0.5 * std::log(slope);
  t[0] = -s, t[1] = s;
  return 2;
}

}  // namespace

extern const Smooth tanh_shape;
constexpr Smooth tanh_shape =
    odd_sigmoid([](double, double t) { return std::tanh(t); }, derivative, modulus,
                [](double, const Interval& t) { return bell_slopes({2 * t.lower, 2 * t.upper}, 4); }, touching);

}  // namespace withstand
