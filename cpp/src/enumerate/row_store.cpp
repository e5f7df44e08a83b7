// SPDX-License-Identifier: MIT
#include "row_store.hpp"

#include <algorithm>

namespace withstand::enumerate {
namespace {

constexpr std::size_t head = 3;  // epoch, length, tag
constexpr std::size_t room = 8;  // readers take whole vectors

/// A few words: a call of memcmp, which std::equal makes, costs more than they do.
bool same(const std::vector<std::uint64_t>& key, const std::uint64_t* words) {
  std::uint64_t differences = 0;
  for (std::size_t i = 0; i < key.size(); ++i) differences |= key[i] ^ words[i];
  return differences == 0;
}

}  // namespace

RowStore::RowStore(std::size_t row_size, std::size_t key_size, std::size_t most_doubles)
    : key_size_(key_size), slot_size_(head + key_size + row_size) {
  static_assert(sizeof(double) == sizeof(std::uint64_t));
  while (2 * slots_ * slot_size_ <= most_doubles) slots_ *= 2;
  const std::size_t bytes = (slots_ * slot_size_ + room) * sizeof(std::uint64_t);
  block_ = {static_cast<std::uint64_t*>(allocate_zeros(bytes)), FreeLines{bytes}};
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
    std::uint64_t* here = &block_[slot * slot_size_];
    known = here[0] == epoch_;
    if (known && (here[1] != key.size() || here[2] != tag || !same(key, here + head))) continue;
    if (!known) {
      if (4 * (used_ + 1) > 3 * slots_) clear();
      ++used_;
      here[0] = epoch_;
      here[1] = key.size();
      here[2] = tag;
      std::copy(key.begin(), key.end(), here + head);
    }
    return reinterpret_cast<double*>(here + head + key_size_);
  }
}

}  // namespace withstand::enumerate
