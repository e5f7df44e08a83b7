// SPDX-License-Identifier: MIT
#include "withstand/exact_sum.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace withstand {
namespace {

constexpr int limb_bits = 32;
constexpr std::int64_t limb_range = std::int64_t{1} << limb_bits;
constexpr std::uint64_t limb_mask = 0xffffffffU;
constexpr int most_limbs = 68;  // 2^-1074 ... 2^1024, and 64 bits of headroom
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
  const int place = offset / limb_bits;
  const int shift = offset % limb_bits;
  const std::uint64_t low = (bits & limb_mask) << shift;
  const std::uint64_t high = (bits >> limb_bits) << shift;
  const std::uint64_t middle = (low >> limb_bits) + (high & limb_mask);  // < 2^33
  const std::int64_t parts[3] = {static_cast<std::int64_t>(low & limb_mask), static_cast<std::int64_t>(middle),
                                 static_cast<std::int64_t>(high >> limb_bits)};
  cover(place, place + 3);
  std::int64_t* limbs = limbs_.data() + (place - first_);
  for (std::size_t i = 0; i < 3; ++i) limbs[i] += negative ? -parts[i] : parts[i];
  if (++pending_ >= most_pending) normalise();
}

void ExactSum::add(const ExactSum& other) {
  if (other.limbs_.empty()) return;
  ExactSum normal = other;
  normal.normalise();
  const int end = normal.first_ + static_cast<int>(normal.limbs_.size());
  cover(normal.first_, end);
  std::int64_t* limbs = limbs_.data() + (normal.first_ - first_);
  for (std::size_t i = 0; i < normal.limbs_.size(); ++i) limbs[i] += normal.limbs_[i];
  if (++pending_ >= most_pending) normalise();
}

/// Hold at least the places first, ..., end - 1.
void ExactSum::cover(int first, int end) {
  if (limbs_.empty()) first_ = first;
  if (first < first_) {
    limbs_.insert(limbs_.begin(), static_cast<std::size_t>(first_ - first), 0);
    first_ = first;
  }
  if (end > first_ + static_cast<int>(limbs_.size())) limbs_.resize(static_cast<std::size_t>(end - first_), 0);
}

void ExactSum::normalise() {
  pending_ = 0;
  if (limbs_.empty()) return;
  std::int64_t carry = 0;
  const auto reduce = [&carry](std::int64_t& limb) {
    const std::int64_t sum = limb + carry;
    limb = sum & static_cast<std::int64_t>(limb_mask);
    carry = (sum - limb) / limb_range;
  };
  std::for_each(limbs_.begin(), limbs_.end() - 1, reduce);
  if (std::abs(limbs_.back() + carry) < limb_range) {
    limbs_.back() += carry;
    return;
  }
  reduce(limbs_.back());
  limbs_.push_back(carry);
}

/// Of the 96 bits of the three largest digits the first 64, the last of which says whether anything follows them: rounding
/// to 53 is then that of the sum. What is below the normal range needs none, for every sum is a multiple of 2^-1074.
double ExactSum::value() const {
  const Digits sum = digits();
  const auto n = static_cast<int>(sum.values.size());
  if (n == 0) return 0;
  const auto digit = [&](int i) { return i < 0 ? 0 : static_cast<std::uint64_t>(std::abs(sum.values[static_cast<std::size_t>(i)])); };
  std::uint64_t top = (digit(n - 1) << limb_bits) + digit(n - 2), next = digit(n - 3) << limb_bits;
  int exponent = limb_bits * (sum.first + n - 2) - 1074;
  for (; top >> 63 == 0; next <<= 1, --exponent) top = (top << 1) + (next >> 63);
  if (next != 0 || n > 3) top |= 1;  // the digits below the third are not all 0
  const double size = std::ldexp(static_cast<double>(top), exponent);
  return sum.values.back() < 0 ? -size : size;
}

ExactSum::Digits ExactSum::digits() const {
  ExactSum size = *this;
  size.normalise();
  const bool negative = !size.limbs_.empty() && size.limbs_.back() < 0;
  if (negative) {
    for (std::int64_t& limb : size.limbs_) limb = -limb;
    size.normalise();
  }
  const auto set = [](std::int64_t limb) { return limb != 0; };
  const auto begin = std::find_if(size.limbs_.begin(), size.limbs_.end(), set);
  if (begin == size.limbs_.end()) return {};
  const auto end = std::find_if(size.limbs_.rbegin(), size.limbs_.rend(), set).base();
  Digits digits{size.first_ + static_cast<int>(begin - size.limbs_.begin()), {begin, end}};
  if (negative)
    for (std::int64_t& digit : digits.values) digit = -digit;
  return digits;
}

ExactSum ExactSum::from_digits(const Digits& digits) {
  const auto fits = [](std::int64_t digit) { return -limb_range < digit && digit < limb_range; };
  if (digits.first < 0 || digits.first > most_limbs ||
      digits.values.size() > static_cast<std::size_t>(most_limbs - digits.first) ||
      !std::all_of(digits.values.begin(), digits.values.end(), fits))
    throw std::invalid_argument("these are not the digits of an exact sum");
  ExactSum sum;
  sum.first_ = digits.first;
  sum.limbs_ = digits.values;
  sum.pending_ = 1;
  return sum;
}

}  // namespace withstand
