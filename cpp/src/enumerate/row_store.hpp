// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "aligned.hpp"

namespace withstand::enumerate {

/// A hash table from short keys to rows of doubles in one block of memory; when it is full it forgets everything.
class RowStore {
 public:
  /// Rows of this many doubles for keys of at most this many words: as many as fit `most_doubles`.
  RowStore(std::size_t row_size, std::size_t key_size, std::size_t most_doubles);
  /// Forget all rows.
  void clear();
  /// The row of a key, and whether it was there; a new one is uninitialised. Good until the next call.
  double* find(const std::vector<std::uint64_t>& key, std::uint64_t tag, bool& known);

 private:
  std::size_t key_size_;
  std::size_t slot_size_;
  std::size_t slots_ = 4;  // a power of two
  std::size_t used_ = 0;
  std::uint64_t epoch_ = 1;
  // A slot: the epoch in which it was taken, the key's length and tag and words, then the row, so that a look-up waits
  // for one place in memory. Zeros that the system makes where they are touched: few slots may be.
  std::unique_ptr<std::uint64_t[], FreeLines> block_;
};

}  // namespace withstand::enumerate
