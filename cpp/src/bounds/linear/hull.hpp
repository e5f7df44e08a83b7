// SPDX-License-Identifier: MIT
#pragma once

#include "bounds/linear/lines.hpp"

namespace withstand::bounds::linear {

/// Slope of the line that supports the concave hull above the graph (or the convex one below) at `s`, from samples: for
/// any phi whatsoever. Not below 0.
double hull_slope(const Activation& phi, Interval range, double s, bool above);

}  // namespace withstand::bounds::linear
