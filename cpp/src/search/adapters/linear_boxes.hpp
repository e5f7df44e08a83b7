// SPDX-License-Identifier: MIT
#pragma once

#include "search/continuous/relaxation.hpp"
#include "withstand/harm.hpp"

namespace withstand::search {

/// The linear bound as a relaxation of a search over boxes. Keeps references to the network and the space.
BoxRelaxations linear_boxes(const Network& network, const Space& space, Goal goal);

}  // namespace withstand::search
