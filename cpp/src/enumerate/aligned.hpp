// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

namespace withstand::enumerate {

/// Bytes from a cache line on: a vector that lies across two lines takes twice as long to load. Large blocks come from the
/// system and go back to it at once, where it has a call for that: a heap of each worker would keep them when they are
/// freed, and so several times what is in use.
void* allocate_lines(std::size_t bytes);
/// The same, zeros: of a large block those that are used take memory.
void* allocate_zeros(std::size_t bytes);
void free_lines(void* block, std::size_t bytes);

/// Frees a block of so many bytes.
struct FreeLines {
  std::size_t bytes;
  void operator()(void* block) const { free_lines(block, bytes); }
};

template <class T>
struct LineAllocator {
  using value_type = T;

  LineAllocator() = default;
  template <class U>
  LineAllocator(const LineAllocator<U>&) {}

  T* allocate(std::size_t n) { return static_cast<T*>(allocate_lines(n * sizeof(T))); }
  void deallocate(T* p, std::size_t n) { free_lines(p, n * sizeof(T)); }
  friend bool operator==(const LineAllocator&, const LineAllocator&) { return true; }
  friend bool operator!=(const LineAllocator&, const LineAllocator&) { return false; }
};

using AlignedDoubles = std::vector<double, LineAllocator<double>>;

}  // namespace withstand::enumerate
