// SPDX-License-Identifier: MIT
#include "withstand/natural.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace withstand {

Natural::Natural(std::uint64_t value) {
  for (; value != 0; value >>= 32) limbs_.push_back(static_cast<std::uint32_t>(value));
}

void Natural::trim() {
  while (!limbs_.empty() && limbs_.back() == 0) limbs_.pop_back();
}

Natural& Natural::operator+=(const Natural& other) {
  limbs_.resize(std::max(limbs_.size(), other.limbs_.size()) + 1);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < limbs_.size(); ++i) {
    carry += std::uint64_t{limbs_[i]} + (i < other.limbs_.size() ? other.limbs_[i] : 0);
    limbs_[i] = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  trim();
  return *this;
}

Natural& Natural::operator*=(std::uint32_t factor) {
  std::uint64_t carry = 0;
  for (std::uint32_t& limb : limbs_) {
    carry += std::uint64_t{limb} * factor;
    limb = static_cast<std::uint32_t>(carry);
    carry >>= 32;
  }
  if (carry != 0) limbs_.push_back(static_cast<std::uint32_t>(carry));
  trim();
  return *this;
}

Natural& Natural::operator/=(std::uint32_t divisor) {
  std::uint64_t remainder = 0;
  for (auto limb = limbs_.rbegin(); limb != limbs_.rend(); ++limb) {
    remainder = (remainder << 32) | *limb;
    *limb = static_cast<std::uint32_t>(remainder / divisor);
    remainder %= divisor;
  }
  trim();
  return *this;
}

Natural operator*(const Natural& a, const Natural& b) {
  Natural product;
  product.limbs_.resize(a.limbs_.size() + b.limbs_.size());
  for (std::size_t i = 0; i < a.limbs_.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.limbs_.size() || carry != 0; ++j) {
      carry += product.limbs_[i + j];
      if (j < b.limbs_.size()) carry += std::uint64_t{a.limbs_[i]} * b.limbs_[j];
      product.limbs_[i + j] = static_cast<std::uint32_t>(carry);
      carry >>= 32;
    }
  }
  product.trim();
  return product;
}

bool Natural::fits_int64() const { return limbs_.size() < 2 || (limbs_.size() == 2 && limbs_[1] < 0x80000000U); }

std::uint64_t Natural::to_uint64() const {
  if (limbs_.size() > 2) throw std::overflow_error(to_string() + " does not fit 64 bits");
  std::uint64_t value = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) value = (value << 32) | limbs_[i];
  return value;
}

double Natural::to_double() const {
  double value = 0;
  for (std::size_t i = limbs_.size(); i-- > 0;) value = value * 4294967296.0 + limbs_[i];
  return value;
}

std::string Natural::to_string() const {
  if (is_zero()) return "0";
  std::string digits;
  for (Natural rest = *this; !rest.is_zero();) {
    Natural quotient = rest;
    quotient /= 1000000000U;
    Natural back = quotient;
    back *= 1000000000U;
    // rest - back < 10^9 fits the lowest limb
    std::uint32_t chunk = rest.limbs_[0] - (back.is_zero() ? 0 : back.limbs_[0]);
    for (int i = 0; i < 9 && (chunk != 0 || !quotient.is_zero()); ++i, chunk /= 10)
      digits.push_back(static_cast<char>('0' + chunk % 10));
    rest = quotient;
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

Natural binomial(std::uint64_t n, std::uint64_t k) {
  if (k > n) return 0;
  k = std::min(k, n - k);
  Natural result = 1;
  for (std::uint64_t i = 1; i <= k; ++i) {
    result *= static_cast<std::uint32_t>(n - k + i);
    result /= static_cast<std::uint32_t>(i);
  }
  return result;
}

}  // namespace withstand
