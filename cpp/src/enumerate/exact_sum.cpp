// SPDX-License-Identifier: MIT
#include "withstand/exact_sum.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace withstand {
namespace {

constexpr int limb_bits = 32;
constexpr std::uint64_t limb_mask = 0xffffffffU;
constexpr int most_pending = 1 << 29;

}  // namespace

void ExactSum::add(double value) {
  if (value == 0) return;
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);  // value = fraction * 2^exponent, 1/2 <= |fraction| < 1
  int offset = exponent - 53 + 1074;
  auto mantissa = static_cast<std::int64_t>(std::ldexp(fraction, 53));
  if (offset < 0) {  // subnormal: its lowest bits are zero
    mantissa /= std::int64_t{1} << -offset;
    offset = 0;
  }
  const bool negative = mantissa < 0;
  const auto bits = static_cast<std::uint64_t>(negative ? -mantissa : mantissa);
  const auto place = static_cast<std::size_t>(offset / limb_bits);
  const int shift = offset % limb_bits;
  const std::uint64_t low = (bits & limb_mask) << shift;
  const std::uint64_t high = (bits >> limb_bits) << shift;
  const std::uint64_t middle = (low >> limb_bits) + (high & limb_mask);  // < 2^33
  const std::int64_t parts[3] = {static_cast<std::int64_t>(low & limb_mask), static_cast<std::int64_t>(middle),
                                 static_cast<std::int64_t>(high >> limb_bits)};
  for (std::size_t i = 0; i < 3; ++i) limbs_[place + i] += negative ? -parts[i] : parts[i];
  if (++pending_ >= most_pending) normalise();
}

void ExactSum::add(const ExactSum& other) {
  ExactSum normal = other;
  normal.normalise();
  for (std::size_t i = 0; i < size; ++i) limbs_[i] += normal.limbs_[i];
  if (++pending_ >= most_pending) normalise();
}

void ExactSum::normalise() {
  std::int64_t carry = 0;
  for (std::size_t i = 0; i + 1 < size; ++i) {
    const std::int64_t sum = limbs_[i] + carry;
    limbs_[i] = sum & static_cast<std::int64_t>(limb_mask);
    carry = (sum - limbs_[i]) / (std::int64_t{1} << limb_bits);
  }
  limbs_[size - 1] += carry;
  pending_ = 0;
}

std::vector<std::int64_t> ExactSum::limbs() const {
  ExactSum normal = *this;
  normal.normalise();
  return {normal.limbs_.begin(), normal.limbs_.end()};
}

ExactSum ExactSum::from_limbs(const std::vector<std::int64_t>& limbs) {
  if (limbs.size() != size)
    throw std::invalid_argument("an exact sum has " + std::to_string(size) + " limbs, got " +
                                std::to_string(limbs.size()));
  ExactSum sum;
  for (std::size_t i = 0; i < size; ++i) sum.limbs_[i] = limbs[i];
  sum.pending_ = 1;
  return sum;
}

}  // namespace withstand
