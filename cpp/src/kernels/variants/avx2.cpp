// SPDX-License-Identifier: MIT
#define WITHSTAND_LANES 4
#include "../kernels.inl"

namespace withstand {

extern const Kernels kernels_avx2;
const Kernels kernels_avx2{"avx2", WITHSTAND_LANES, multiply_add, axpy, spread, deviation, excess, merge_errors,
                           reach, widen, escaping, shift, hinge};

}  // namespace withstand
