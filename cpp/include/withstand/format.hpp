// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace withstand {

/// A number format: what the bits of a stored word mean (docs/theory.md 17). Integers are two's complement, or unsigned;
/// floats are as in IEEE 754, with so many bits of exponent and of fraction.
struct Format {
  std::string name;
  int bits = 0;
  int exponent = 0;       ///< bits of it; 0: an integer
  int fraction = 0;
  bool is_signed = true;  ///< of integers

  bool is_float() const { return exponent > 0; }
  /// int4 int8 int16 int32 uint4 uint8 float16 bfloat16 float32 float64. Throws std::invalid_argument for another name.
  static Format named(const std::string& name);
};

/// How a format's words stand for numbers: scale (q - zero) for the integer q of a word. Floats stand for themselves.
struct Scaling {
  double scale = 1;
  double zero = 0;
};

/// The word of the number nearest to a value, half to even; integers saturate, floats overflow to infinity.
std::uint64_t encoded(const Format& format, const Scaling& scaling, double value);
/// The number that a word stands for; not finite where the exponent of a float is all ones.
double decoded(const Format& format, const Scaling& scaling, std::uint64_t word);
/// Whether a value is the number of some word.
bool is_word(const Format& format, const Scaling& scaling, double value);

}  // namespace withstand
