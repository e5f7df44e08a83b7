// SPDX-License-Identifier: MIT
#include "activation/shape.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

/// t min(6, max(0, t + 3)) / 6: a parabola between two straight pieces, which falls up to -3/2. Its slope jumps at both
/// corners, down to -1/2 and from 3/2.
constexpr double corner = 3, turn = -1.5;

/// t + 3 is exact near -3, so that nothing cancels.
double value(double, double t) { return t <= -corner ? -0.0 : t >= corner ? t : t * (t + corner) / 6; }

double derivative(double factor, double, double t) {
  return t <= -corner ? 0.0 : t > corner ? factor : factor * (2 * t + corner) / 6;
}

}  // namespace

extern const Smooth hard_swish;
const Smooth hard_swish{value,
                        derivative,
                        [](double) { return 1.5; },
                        [](double) { return -0.375; },
                        [](double) { return infinity; },
                        {{-corner, corner}, 2},
                        nowhere,
                        {{turn, 0}, 1},
                        [](double) { return 1.0; }};

}  // namespace withstand
