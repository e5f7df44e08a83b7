// SPDX-License-Identifier: MIT
#include "withstand/types.hpp"

namespace withstand {

template <int alignment, int by_malloc>
const bool CompiledLikeTheLibrary<alignment, by_malloc>::holds = true;
template struct CompiledLikeTheLibrary<EIGEN_DEFAULT_ALIGN_BYTES, EIGEN_MALLOC_ALREADY_ALIGNED>;

}  // namespace withstand
