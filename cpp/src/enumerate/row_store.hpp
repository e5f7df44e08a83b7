// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

namespace withstand {

/// A hash table from short keys to rows of doubles in one block of memory; when it is full it forgets everything.
class RowStore {
 public:
  /// Forget, and fit rows of this many doubles for keys of at most this many words.
  void reset(std::size_t row_size, std::size_t key_size);
  /// The row of a key, and whether it was there; a new one is uninitialised. Good until the next call.
  double* find(const std::vector<std::uint64_t>& key, std::uint64_t tag, bool& known);

 private:
  std::size_t row_size_ = 0;
  std::size_t key_size_ = 0;
  std::size_t slots_ = 0;  // a power of two
  std::size_t used_ = 0;
  std::uint64_t epoch_ = 0;
  std::vector<std::uint64_t> epochs_;  // a slot is taken where its epoch is the current one
  std::vector<std::uint64_t> keys_;    // length, tag, words
  std::vector<double> rows_;
};

}  // namespace withstand
