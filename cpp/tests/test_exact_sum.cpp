// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "withstand/exact_sum.hpp"

using withstand::ExactSum;

namespace {

ExactSum sum_of(const std::vector<double>& values) {
  ExactSum sum;
  for (double value : values) sum.add(value);
  return sum;
}

bool same(const ExactSum& a, const ExactSum& b) {
  return a.digits().first == b.digits().first && a.digits().values == b.digits().values;
}

}  // namespace

int main() {
  CHECK(same(ExactSum(), sum_of({0.0, 1e300, 5e-324, -1e300, -5e-324})));
  CHECK(ExactSum().digits().values.empty());
  CHECK((sum_of({5e-324}).digits().values == std::vector<std::int64_t>{1}));
  CHECK((sum_of({-1.5}).digits().values == sum_of({1.5, -3.0}).digits().values));
  CHECK(sum_of({-1.5}).digits().values.back() < 0);
  CHECK(sum_of(std::vector<double>(1000, 0.1)).digits().values.size() <= 4);

  const double most = std::numeric_limits<double>::max(), half = 0x1p-53;  // of the last place of 1
  for (double value : {0.0, 1.0, -1.5, 0.1, 5e-324, -3e-310, 0x1p-1022, most, 4294967296.0, 1 / 3.0})
    CHECK(sum_of({value}).value() == value);
  CHECK(sum_of({1, half}).value() == 1 && sum_of({1 + 2 * half, half}).value() == 1 + 4 * half);  // to the even one
  CHECK(sum_of({1, half, 5e-324}).value() == 1 + 2 * half && sum_of({-1, -half, -5e-324}).value() == -1 - 2 * half);
  CHECK(sum_of({1, half, -5e-324}).value() == 1);
  CHECK(sum_of({most, most}).value() == std::numeric_limits<double>::infinity());

  std::mt19937 random(1);
  std::vector<double> values;
  for (int i = 0; i < 3000; ++i)
    values.push_back(std::ldexp(static_cast<double>(random()) - 2147483648.0, static_cast<int>(random() % 200) - 100));
  const ExactSum whole = sum_of(values);
  std::shuffle(values.begin(), values.end(), random);
  const auto middle = values.begin() + 1234;
  ExactSum parts = sum_of({middle, values.end()});
  parts.add(ExactSum::from_digits(sum_of({values.begin(), middle}).digits()));
  CHECK(same(whole, parts));
  for (double value : values) parts.add(-value);
  CHECK(same(parts, ExactSum()));

  for (const ExactSum::Digits& none : {ExactSum::Digits{-1, {1}}, ExactSum::Digits{67, {1, 1}},
                                       ExactSum::Digits{0, {std::int64_t{1} << 32}}})
    message_of<std::invalid_argument>([&] { ExactSum::from_digits(none); });
}
