// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <random>

#include "check.hpp"
#include "core/rounding.hpp"

using namespace withstand;

namespace {

constexpr double largest = std::numeric_limits<double>::max();
constexpr double smallest = std::numeric_limits<double>::denorm_min();

/// Whether the exact sum or product is at most y: the rounded one decides, or its exact error where they are equal.
bool sum_is_at_most(double a, double b, double y) {
  const double s = a + b, part = s - a;
  const double error = (a - (s - part)) + (b - part);
  return s < y || (s == y && error <= 0);
}

bool product_is_at_most(double a, double b, double y) {
  const double p = a * b;
  return p < y || (p == y && std::fma(a, b, -p) <= 0);
}

void check_directed() {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> unit(-1, 1);
  std::uniform_int_distribution<int> exponent(-60, 60);
  for (int trial = 0; trial < 100000; ++trial) {
    const double a = std::ldexp(unit(random), exponent(random));
    const double b = std::ldexp(unit(random), exponent(random));
    CHECK(sum_is_at_most(a, b, add_up(a, b)) && sum_is_at_most(-a, -b, -add_down(a, b)));
    CHECK(product_is_at_most(a, b, mul_up(a, b)) && product_is_at_most(-a, b, -mul_down(a, b)));
    CHECK(add_up(a, b) == a + b || add_up(a, b) == next_up(a + b));
    CHECK(mul_up(a, b) == a * b || mul_up(a, b) == next_up(a * b));
    CHECK(add_down(a, b) <= add_up(a, b) && sub_down(a, b) <= sub_up(a, b));
  }
}

}  // namespace

int main() {
  check_directed();
  // representable results stay as they are
  CHECK(add_up(0.5, 0.25) == 0.75 && mul_up(1.5, 0.25) == 0.375 && mul_down(-1.5, 0.25) == -0.375);
  CHECK(add_up(1.0, 1e-30) == next_up(1.0) && add_down(1.0, 1e-30) == 1.0 && add_up(1.0, -1e-30) == 1.0);
  // overflow and the undefined give infinity, zero times infinity is zero
  CHECK(add_up(largest, largest) == infinity && add_up(-largest, -largest) == -largest);
  CHECK(add_up(infinity, -infinity) == infinity && sub_down(infinity, infinity) == -infinity);
  CHECK(mul_up(largest, 2) == infinity && mul_up(0, infinity) == 0 && mul_up(-largest, 2) == -largest);
  CHECK(mul_up(smallest, smallest) > 0 && mul_down(smallest, smallest) <= 0);
  // a chain loses nothing: 0.1 * 6 * 8 + 4, times 0.1
  const Upper chain = (Upper(0.1) * 6.0 * 8.0 + 4.0) * 0.1;
  CHECK(chain.value() == next_up(0.88) && (Upper(0.5) * 5.0 + 0.25).value() == 2.75);
  CHECK((Upper(infinity) * 0.0).value() == 0 && (Upper(largest) + largest).value() == infinity);
  CHECK(Upper(1.0) < Upper(1.0) + 1e-30);
  // grids
  const double values[] = {0.75, -2, 0, 0.125};
  CHECK(grid(values, 4) == 0.125 && grid(values + 2, 1) == infinity);
  const double tenth[] = {0.1};
  CHECK(grid(tenth, 1) <= 0x1p-55 && sum_error(10, 1, 0x1p-50) == 0 && sum_error(10, 1, 0x1p-54) > 0);
}
