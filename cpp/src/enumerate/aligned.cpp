// SPDX-License-Identifier: MIT
#include "aligned.hpp"

#include <cstring>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace withstand::enumerate {
namespace {

constexpr std::align_val_t line{64};

#ifdef __linux__
constexpr std::size_t large = std::size_t{1} << 17;
#endif

}  // namespace

void* allocate_lines(std::size_t bytes) {
#ifdef __linux__
  if (bytes >= large) {
    void* const block = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) throw std::bad_alloc();
    return block;
  }
#endif
  return ::operator new(bytes, line);
}

void* allocate_zeros(std::size_t bytes) {
  void* const block = allocate_lines(bytes);
#ifdef __linux__
  if (bytes >= large) return block;  // as the system gives it
#endif
  return std::memset(block, 0, bytes);
}

void free_lines(void* block, std::size_t bytes) {
#ifdef __linux__
  if (bytes >= large) {
    munmap(block, bytes);
    return;
  }
#endif
  ::operator delete(block, line);
}

}  // namespace withstand::enumerate
