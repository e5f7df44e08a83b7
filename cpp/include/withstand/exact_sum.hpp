// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace withstand {

/// The exact sum of doubles, as one wide fixed-point number: adding is associative and commutative to the last bit, so
/// partial sums of threads, shards and resumed runs merge to the same total whatever their order.
class ExactSum {
 public:
  void add(double value);  ///< `value` is finite
  void add(const ExactSum& other);

  /// Limbs c with sum = (c[0] + c[1] 2^32 + c[2] 2^64 + ...) 2^-1074, 0 <= c[i] < 2^32 except the last, which is signed.
  std::vector<std::int64_t> limbs() const;
  static ExactSum from_limbs(const std::vector<std::int64_t>& limbs);

  static constexpr int size = 68;  // 2^-1074 ... 2^1024, and 64 bits of headroom

 private:
  void normalise();

  std::array<std::int64_t, size> limbs_{};
  int pending_ = 0;  // additions since the last normalisation; each moves a limb by less than 2^32
};

}  // namespace withstand
