// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include "withstand/types.hpp"

namespace withstand {

/// Eigen counts with a sign, the standard containers without one.
inline std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace withstand
