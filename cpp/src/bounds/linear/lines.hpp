// SPDX-License-Identifier: MIT
#pragma once

#include "withstand/activation.hpp"
#include "evaluate/ranges.hpp"

namespace withstand::bounds::linear {

constexpr double epsilon = 2.220446049250313e-16;  // 2 u: one rounding errs by at most half of it, relatively

/// s -> slope * s + offset, slope >= 0.
struct Line {
  double slope = 0;
  double offset = 0;
};

/// [min, max] over s in `range` of phi(s) - slope * s, rounded outward: the offsets of the tightest lines of that slope
/// below and above phi. Holds for every slope >= 0, so that slopes may come from any heuristic.
Interval offsets(const Activation& phi, double slope, Interval range);

/// Slope of the line below (above) phi on `range` that is highest (lowest) at `s` in the range: the line that supports
/// the convex (concave) hull of the graph there. Up to rounding; only `offsets` is rigorous.
double slope_below(const Activation& phi, Interval range, double s);
double slope_above(const Activation& phi, Interval range, double s);

/// phi is one straight line on `range`, through the origin or horizontal, up to a constant: its slope; negative where
/// it is not straight.
double straight_slope(const Activation& phi, Interval range);

/// [phi(lower), phi(upper)], rounded outward and clamped to the range of phi.
Interval image(const Activation& phi, Interval range);

/// phi'(s), up to rounding; at a kink one of the two slopes.
double derivative(const Activation& phi, double s);

/// [inf, sup] of phi' on `range`, rounded outward.
Interval slopes(const Activation& phi, Interval range);

}  // namespace withstand::bounds::linear
