// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

namespace withstand {

/// Names of the variants that can run here, narrowest first.
std::vector<std::string> available_variants();

/// The one that is used here: the widest, or what the environment variable WITHSTAND_SIMD names.
const char* variant();

}  // namespace withstand
