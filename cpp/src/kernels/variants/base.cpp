// SPDX-License-Identifier: MIT
#define WITHSTAND_LANES 4
#include "../kernels.inl"

namespace withstand {

extern const Kernels kernels_base;
const Kernels kernels_base{"base", WITHSTAND_LANES, WITHSTAND_TABLE};

}  // namespace withstand
