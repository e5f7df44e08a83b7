// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace withstand {

/// The exact sum of doubles, as one wide fixed-point number: adding is associative and commutative to the last bit, so
/// partial sums of threads, shards and resumed runs merge to the same total whatever their order. Only the part of the
/// number that the summands reach is held: a few words where they are of similar size.
class ExactSum {
 public:
  void add(double value);  ///< `value` is finite
  void add(const ExactSum& other);

  /// The nearest double, of two the even one; infinite beyond the largest.
  double value() const;

  /// The sum as (d[0] + d[1] 2^32 + d[2] 2^64 + ...) 2^(32 first - 1074): digits of the sum's sign, smaller than 2^32 in
  /// size, the first and the last one not 0. So equal sums have equal digits; zero has none, and first = 0.
  struct Digits {
    int first = 0;
    std::vector<std::int64_t> values;
  };
  Digits digits() const;
  /// Throws std::invalid_argument for digits that no sum has.
  static ExactSum from_digits(const Digits& digits);

 private:
  void cover(int first, int end);
  void normalise();

  int first_ = 0;                     // place of limbs_[0]
  std::vector<std::int64_t> limbs_;   // after normalisation in [0, 2^32), except the last, which is signed
  int pending_ = 0;                   // additions since; each moves a limb by less than 2^33
};

}  // namespace withstand
