// SPDX-License-Identifier: MIT
#include "core/product.hpp"

#include <algorithm>

#include "kernels/kernels.hpp"
#include "withstand/parallel.hpp"

namespace withstand {

void add_product(Index rows, Index cols, Index inner, const double* a, Index lda, const double* b, Index ldb, double* c,
                 Index ldc) {
  constexpr Index at_once = Index{1} << 28;  // multiply-adds
  constexpr Index tile = 8;
  const Index step = std::max(tile, at_once / std::max<Index>(1, cols * inner) / tile * tile);
  for (Index first = 0; first < rows; first += step) {
    interruption_point();
    kernels().multiply_add(std::min(step, rows - first), cols, inner, a + first * lda, lda, b, ldb, c + first * ldc, ldc);
  }
}

}  // namespace withstand
