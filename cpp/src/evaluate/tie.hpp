// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>

#include "withstand/forward.hpp"

namespace withstand {

/// The largest sum of absolute values that an output of an intact network is made of: what its rounding goes by.
double scale_of(const Network& network, const Trace& intact);

/// Difference below which two harms are equal here, `scale` being that of what the outputs sum up: relative to
/// the harm, or where that is small to 1, or where everything is small to the scale.
inline double tie(double harm, double scale) { return 4e-15 * std::max(std::abs(harm), std::min(1.0, scale)); }

}  // namespace withstand
