// SPDX-License-Identifier: MIT
#pragma once

#include "activation/shape.hpp"
#include "core/interval.hpp"

namespace withstand {

/// [inf, sup] over t of height * logistic'(t), rounded outward. The slope falls with |t|: it is largest at the point
/// nearest 0, smallest at the farthest.
Interval bell_slopes(const Interval& t, double height);

/// An odd function that rises from -1 to 1, steepest at 0 with slope 1.
constexpr Smooth odd_sigmoid(decltype(Smooth::value) value, decltype(Smooth::derivative) derivative,
                             decltype(Smooth::modulus) modulus, decltype(Smooth::slopes) slopes,
                             decltype(Smooth::touching) touching) {
  constexpr auto one = [](double) { return 1.0; };
  constexpr auto minus_one = [](double) { return -1.0; };
  return {value, derivative, one, minus_one, one, nowhere, {{0, 0}, 1}, nowhere, one, false, modulus, slopes, touching};
}

}  // namespace withstand
