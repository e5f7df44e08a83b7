// SPDX-License-Identifier: MIT
#include "row_store.hpp"

#include <algorithm>

namespace withstand {
namespace {

/// A few words: a call of memcmp, which std::equal makes, costs more than they do.
bool same(const std::vector<std::uint64_t>& key, const std::uint64_t* words) {
  std::uint64_t differences = 0;
  for (std::size_t i = 0; i < key.size(); ++i) differences |= key[i] ^ words[i];
  return differences == 0;
}

}  // namespace

RowStore::RowStore(std::size_t row_size, std::size_t key_size, std::size_t most_doubles)
    : row_size_(row_size), key_size_(key_size + 2) {
  while (2 * slots_ * (row_size_ + key_size_) <= most_doubles) slots_ *= 2;
  epochs_.assign(slots_, 0);
  keys_.reset(new std::uint64_t[slots_ * key_size_]);
  rows_.reset(new double[slots_ * row_size_ + 8]);  // readers take whole vectors
}

void RowStore::clear() {
  ++epoch_;
  used_ = 0;
}

double* RowStore::find(const std::vector<std::uint64_t>& key, std::uint64_t tag, bool& known) {
  std::uint64_t hash = tag + key.size();
  for (std::uint64_t word : key) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
    hash ^= hash >> 32U;
  }
  for (std::size_t slot = hash;; ++slot) {
    slot &= slots_ - 1;
    std::uint64_t* here = &keys_[slot * key_size_];
    known = epochs_[slot] == epoch_;
    if (known && (here[0] != key.size() || here[1] != tag || !same(key, here + 2))) continue;
    if (!known) {
      if (4 * (used_ + 1) > 3 * slots_) clear();
      ++used_;
      epochs_[slot] = epoch_;
      here[0] = key.size();
      here[1] = tag;
      std::copy(key.begin(), key.end(), here + 2);
    }
    return &rows_[slot * row_size_];
  }
}

}  // namespace withstand
