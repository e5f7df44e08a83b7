// SPDX-License-Identifier: MIT
#pragma once

#include "core/interval.hpp"

namespace withstand {

/// [inf, sup] over t of height * logistic'(t), rounded outward. The slope falls with |t|: it is largest at the point
/// nearest 0, smallest at the farthest.
Interval bell_slopes(const Interval& t, double height);

}  // namespace withstand
