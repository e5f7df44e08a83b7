// SPDX-License-Identifier: MIT
#pragma once

#include "withstand/types.hpp"

namespace withstand {

/// C (rows x cols) += A (rows x inner) B (inner x cols), all row-major with the given distances between rows. A large
/// product passes an interruption point every few hundredths of a second; every entry is the same sum in any case.
void add_product(Index rows, Index cols, Index inner, const double* a, Index lda, const double* b, Index ldb, double* c,
                 Index ldc);

}  // namespace withstand
