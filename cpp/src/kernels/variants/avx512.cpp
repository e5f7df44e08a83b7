// SPDX-License-Identifier: MIT
#define WITHSTAND_LANES 8
#include "../kernels.inl"

namespace withstand {

extern const Kernels kernels_avx512;
const Kernels kernels_avx512{"avx512", WITHSTAND_LANES, multiply_add, axpy, spread, deviation, excess, merge_errors,
                           reach, widen, escaping, shift, hinge};

}  // namespace withstand
