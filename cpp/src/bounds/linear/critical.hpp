// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "core/interval.hpp"
#include "withstand/activation.hpp"

namespace withstand::bounds::linear {

/// A few arguments at which phi(s) - slope * s can be extreme inside an interval: kinks and stationary points.
struct Critical {
  std::array<double, 12> at{};
  int count = 0;
  void add(double s) { at[static_cast<std::size_t>(count++)] = s; }
};

/// Solutions of phi'(t) = slope and kinks, for gain 1. An inexact solution costs only second order: it is stationary.
Critical critical(const Activation& phi, double slope, Interval t);

}  // namespace withstand::bounds::linear
