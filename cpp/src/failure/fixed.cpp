// SPDX-License-Identifier: MIT
// Crashes and stuck neurons: values that do not depend on the signal, one way each.
#include <algorithm>

#include "failure/conduct.hpp"

namespace withstand {
namespace {

int count(const Failure& failure) { return failure.amount.empty() ? 1 : static_cast<int>(failure.amount.size()); }

double sends(const Failure& failure, int way, double, double) {
  return failure.amount.empty() ? 0 : failure.amount[static_cast<std::size_t>(way)];
}

Interval range(const Failure& failure, const Interval&, double) {
  if (failure.amount.empty()) return {0, 0};
  const auto [least, most] = std::minmax_element(failure.amount.begin(), failure.amount.end());
  return {*least, *most};
}

}  // namespace

extern const Alternatives fixed{count, sends, range};

extern const Alternatives nothing{
    [](const Failure&) { return 1; },
    [](const Failure&, int, double, double) { return 0.0; },
    [](const Failure&, const Interval&, double) { return Interval{0, 0}; },
};

}  // namespace withstand
