// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace withstand {

/// An unbounded natural number: just enough arithmetic to count configurations exactly.
class Natural {
 public:
  Natural(std::uint64_t value = 0);  // NOLINT(google-explicit-constructor): numbers convert

  Natural& operator+=(const Natural& other);
  Natural& operator*=(std::uint32_t factor);
  Natural& operator/=(std::uint32_t divisor);  ///< floor division, divisor > 0
  friend Natural operator+(Natural a, const Natural& b) { return a += b; }
  friend Natural operator*(const Natural& a, const Natural& b);

  bool is_zero() const { return limbs_.empty(); }
  const std::vector<std::uint32_t>& limbs() const { return limbs_; }  ///< digits to base 2^32, the lowest first
  bool fits_int64() const;
  std::uint64_t to_uint64() const;  ///< throws std::overflow_error when it does not fit
  double to_double() const;         ///< nearest order of magnitude, +infinity beyond double
  std::string to_string() const;    ///< decimal

 private:
  void trim();
  std::vector<std::uint32_t> limbs_;  // little endian, no leading zero
};

/// n choose k, exactly.
Natural binomial(std::uint64_t n, std::uint64_t k);

}  // namespace withstand
