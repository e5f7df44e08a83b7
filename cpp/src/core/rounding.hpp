// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

// Directed rounding without touching the processor's rounding mode. An operation is done in round-to-nearest, its
// error is computed exactly (error-free transformations of Knuth and Dekker), and the result moves one step only when
// the operation was inexact and fell on the wrong side: representable results stay as they are.
namespace withstand {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double unit_roundoff = 0x1p-53;

inline double next_up(double x) { return std::nextafter(x, infinity); }

/// a + b, rounded up. Overflow gives infinity, and so does the undefined infinity - infinity: it is an upper bound.
inline double add_up(double a, double b) {
  const double sum = a + b;
  if (std::isnan(sum)) return infinity;
  if (std::isinf(sum)) return sum < 0 && !std::isinf(a) && !std::isinf(b) ? std::numeric_limits<double>::lowest() : sum;
  const double part = sum - a;
  const double error = (a - (sum - part)) + (b - part);
  return error > 0 ? next_up(sum) : sum;
}

/// a * b, rounded up. Zero times infinity is zero: no failure of unbounded effect has no effect.
inline double mul_up(double a, double b) {
  if (a == 0 || b == 0) return 0;
  const double product = a * b;
  if (std::isinf(product))
    return product < 0 && !std::isinf(a) && !std::isinf(b) ? std::numeric_limits<double>::lowest() : product;
  if (std::abs(product) < 0x1p-960) return next_up(product);  // the error below may itself underflow
  return std::fma(a, b, -product) > 0 ? next_up(product) : product;
}

inline double sub_up(double a, double b) { return add_up(a, -b); }
inline double add_down(double a, double b) { return -add_up(-a, -b); }
inline double sub_down(double a, double b) { return -add_up(-a, b); }
inline double mul_down(double a, double b) { return -mul_up(-a, b); }

/// The largest power of two of which all n values are multiples: infinity when all are 0, 0 when there is none.
/// Sums of products of numbers on grids g and h, below 2^53 g h in absolute value, are computed without any error.
double grid(const double* values, long n);

/// A bound on |computed - exact| of a sum of n terms, products of numbers rounded at most once each, in any order of
/// additions and with or without fused operations; `magnitude` bounds the sum of the terms' absolute values and `unit`
/// is a grid of all terms: 0 where there is none, or where it is below the range of doubles.
inline double sum_error(long n, double magnitude, double unit) {
  if (unit > 0 && magnitude <= 0x1p53 * unit) return 0;
  return 2 * static_cast<double>(n + 4) * unit_roundoff * magnitude + static_cast<double>(n) * 0x1p-1000;
}

/// What a product of two factors may lose below the normal range, where an error is no longer relative: 2^-1075, so this
/// is a thousand billion times what is needed. 0 where a factor is 0: such a product is exact.
inline double underflow(double a, double b) {
  return std::abs(a * b) < 0x1p-960 && a != 0 && b != 0 ? 0x1p-1000 : 0;  // the first test seldom holds
}

/// Whether some product a_i x_i has two factors that are not 0, computed or not.
inline bool meets(const double* a, const double* x, long n) {
  for (long i = 0; i < n; ++i)
    if (a[i] != 0 && x[i] != 0) return true;
  return false;
}

/// The same for the sum of n products a_i x_i, of which `size` is the computed sum of absolute values.
inline double underflow(const double* a, const double* x, long n, double size) {
  return size < 0x1p-900 && meets(a, x, n) ? static_cast<double>(n) * 0x1p-1000 : 0;
}

/// A number known from above: some real x with x <= high + low. Sums and products keep the rounding error of `high` in
/// `low`, which alone is rounded up; so a long chain of operations ends at the least double that is not below the exact
/// result (but for errors near 2^-106), and at the exact result itself where that is a double.
class Upper {
 public:
  Upper(double value = 0) : high_(value) {}  // NOLINT(google-explicit-constructor): numbers convert

  double value() const { return add_up(high_, low_); }

  friend Upper operator+(const Upper& a, const Upper& b) {
    const double sum = a.high_ + b.high_;
    if (!std::isfinite(sum)) return add_up(a.value(), b.value());
    const double part = sum - a.high_;
    const double error = (a.high_ - (sum - part)) + (b.high_ - part);
    return {sum, add_up(error, add_up(a.low_, b.low_))};
  }

  /// For factors that are not negative.
  friend Upper operator*(const Upper& a, const Upper& b) {
    if (a.value() <= 0 || b.value() <= 0) return 0.0;
    const double product = a.high_ * b.high_;
    if (!std::isfinite(product) || product < 0x1p-900) return mul_up(a.value(), b.value());
    const double cross = add_up(mul_up(a.high_, b.low_), mul_up(a.low_, b.high_));
    return {product, add_up(std::fma(a.high_, b.high_, -product), add_up(cross, mul_up(a.low_, b.low_)))};
  }

  friend bool operator<(const Upper& a, const Upper& b) {
    return a.high_ != b.high_ ? a.high_ < b.high_ : a.low_ < b.low_;
  }

 private:
  Upper(double high, double low) : high_(high + low), low_(low - (high_ - high)) {
    if (!std::isfinite(high_)) low_ = 0;
  }

  double high_;
  double low_ = 0;
};

}  // namespace withstand
