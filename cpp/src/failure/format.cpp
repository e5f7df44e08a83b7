// SPDX-License-Identifier: MIT
#include "withstand/format.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>

namespace withstand {
namespace {

std::uint64_t ones(int bits) { return bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1; }

int bias(const Format& f) { return (1 << (f.exponent - 1)) - 1; }

/// Added to a number of at most 32 bits and taken away again it leaves the nearest integer, half to even.
constexpr double halfway_up = 0x1.8p52;

// Of integers, which have at most 32 bits.
double word_count(const Format& f) { return static_cast<double>(std::uint64_t{1} << f.bits); }
double least(const Format& f) { return f.is_signed ? -word_count(f) / 2 : 0; }
double most(const Format& f) { return (f.is_signed ? word_count(f) / 2 : word_count(f)) - 1; }

std::uint64_t encoded_float(const Format& f, double value) {
  const std::uint64_t sign = std::signbit(value) ? std::uint64_t{1} << (f.bits - 1) : 0;
  const std::uint64_t infinite = ones(f.exponent) << f.fraction;
  if (std::isnan(value)) return sign | infinite | (std::uint64_t{1} << (f.fraction - 1));
  const double magnitude = std::abs(value);
  if (magnitude == 0) return sign;
  if (std::isinf(magnitude)) return sign | infinite;
  int power = std::ilogb(magnitude);
  power = std::max(power, 1 - bias(f));  // below, numbers are multiples of the same step
  // Scaling by powers of two is exact, and so the one rounding is to the format.
  const double steps = std::nearbyint(std::ldexp(magnitude, f.fraction - power));
  const auto units = static_cast<std::uint64_t>(steps);  // a carry goes on into the exponent, as it should
  const bool subnormal = units < (std::uint64_t{1} << f.fraction);
  const std::uint64_t word =
      subnormal ? units : (static_cast<std::uint64_t>(power + bias(f) - 1) << f.fraction) + units;
  return sign | std::min(word, infinite);
}

double decoded_float(const Format& f, std::uint64_t word) {
  const bool negative = (word >> (f.bits - 1)) & 1U;
  const auto exponent = static_cast<int>((word >> f.fraction) & ones(f.exponent));
  const auto fraction = static_cast<double>(word & ones(f.fraction));
  double magnitude = 0;
  if (exponent == static_cast<int>(ones(f.exponent)))
    magnitude = fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  else if (exponent == 0)
    magnitude = std::ldexp(fraction, 1 - bias(f) - f.fraction);
  else
    magnitude = std::ldexp(std::ldexp(1.0, f.fraction) + fraction, exponent - bias(f) - f.fraction);
  return negative ? -magnitude : magnitude;
}

}  // namespace

Format Format::named(const std::string& name) {
  static const std::array<Format, 10> known{{{"int4", 4, 0, 0, true},
                                             {"int8", 8, 0, 0, true},
                                             {"int16", 16, 0, 0, true},
                                             {"int32", 32, 0, 0, true},
                                             {"uint4", 4, 0, 0, false},
                                             {"uint8", 8, 0, 0, false},
                                             {"float16", 16, 5, 10, true},
                                             {"bfloat16", 16, 8, 7, true},
                                             {"float32", 32, 8, 23, true},
                                             {"float64", 64, 11, 52, true}}};
  for (const Format& format : known)
    if (format.name == name) return format;
  throw std::invalid_argument("unknown number format '" + name + "'");
}

std::uint64_t encoded(const Format& f, const Scaling& scaling, double value) {
  if (f.is_float()) return encoded_float(f, value);
  const double within = std::min(std::max(value / scaling.scale, least(f) - scaling.zero), most(f) - scaling.zero);
  const double q = (within + halfway_up) - halfway_up + scaling.zero;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(q)) & ones(f.bits);
}

double decoded(const Format& f, const Scaling& scaling, std::uint64_t word) {
  if (f.is_float()) return decoded_float(f, word);
  const bool negative = f.is_signed && ((word >> (f.bits - 1)) & 1U);
  const auto q = static_cast<std::int64_t>(negative ? word | ~ones(f.bits) : word);
  return scaling.scale * (static_cast<double>(q) - scaling.zero);
}

bool is_word(const Format& f, const Scaling& scaling, double value) {
  return decoded(f, scaling, encoded(f, scaling, value)) == value;
}

}  // namespace withstand
