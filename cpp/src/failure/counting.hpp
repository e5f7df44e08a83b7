// SPDX-License-Identifier: MIT
#pragma once

#include "withstand/space.hpp"

namespace withstand::counting {

/// Whether there are components enough for every term that wants exactly so many.
bool fits(const Space& space);

}  // namespace withstand::counting
