// SPDX-License-Identifier: MIT
#pragma once

#include "withstand/types.hpp"

namespace withstand {

/// Objectives c over the outputs, one a row: the error of every output upward, then of every output downward.
inline Matrix error_rows(Index outputs) {
  Matrix rows(2 * outputs, outputs);
  rows << Matrix::Identity(outputs, outputs), -Matrix::Identity(outputs, outputs);
  return rows;
}

/// By how much one output leads over another, for every pair (leading, over) of a list.
template <class Pairs>
Matrix lead_rows(const Pairs& pairs, Index outputs) {
  Matrix rows = Matrix::Zero(static_cast<Index>(pairs.size()), outputs);
  Index r = 0;
  for (const auto& [leading, over] : pairs) {
    rows(r, leading) = 1;
    rows(r++, over) = -1;
  }
  return rows;
}

}  // namespace withstand
