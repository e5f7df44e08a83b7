// SPDX-License-Identifier: MIT
#define WITHSTAND_LANES 4
#include "../kernels.inl"

namespace withstand {

extern const Kernels kernels_base;
const Kernels kernels_base{"base", WITHSTAND_LANES, multiply_add, axpy, spread, deviation, excess, merge_errors,
                           reach, widen, escaping, shift, hinge};

}  // namespace withstand
