// SPDX-License-Identifier: MIT
#pragma once

#include "bounds/linear/relaxation.hpp"

namespace withstand::bounds::linear {

/// From an input of the box to one where row (F̂ - F), or with `values` row F̂, is larger: by the gradient towards a corner
/// of the box, as far along as it helps. In plain arithmetic: where to look for a witness, no more.
Vector uphill(const Prepared& prepared, const Restriction& restriction, const Vector& row, bool values, Vector input,
              int steps);

}  // namespace withstand::bounds::linear
