// SPDX-License-Identifier: MIT
#define WITHSTAND_LANES 4
#include "../kernels.inl"

namespace withstand {

extern const Kernels kernels_avx2;
const Kernels kernels_avx2{"avx2", WITHSTAND_LANES, WITHSTAND_TABLE};

}  // namespace withstand
