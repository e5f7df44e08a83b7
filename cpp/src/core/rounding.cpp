// SPDX-License-Identifier: MIT
#include "core/rounding.hpp"

#include <cstdint>
#include <cstring>

namespace withstand {

double grid(const double* values, long n) {
  constexpr int none = 4096;
  int lowest = none;
  for (long i = 0; i < n; ++i) {
    if (values[i] == 0) continue;
    std::uint64_t bits = 0;
    std::memcpy(&bits, values + i, sizeof bits);
    const auto exponent = static_cast<int>((bits >> 52) & 0x7FF);
    if (exponent == 0 || exponent == 0x7FF) return 0;  // below the normal range, or not finite
    std::uint64_t mantissa = (bits & 0xFFFFFFFFFFFFFULL) | 0x10000000000000ULL;
    int zeros = 0;
    for (; (mantissa & 1) == 0; mantissa >>= 1) ++zeros;
    lowest = std::min(lowest, exponent - 1075 + zeros);
    if (lowest < -500) return 0;
  }
  return lowest == none ? infinity : std::ldexp(1.0, lowest);
}

}  // namespace withstand
