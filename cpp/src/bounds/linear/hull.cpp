// SPDX-License-Identifier: MIT
#include "bounds/linear/hull.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace withstand::bounds::linear {
namespace {

constexpr int steps = 32;

struct Vertex {
  double s, value;
  int sample;
};

/// Whether b lies on or above the line from a to c: then it is no vertex of the hull below.
bool dispensable(const Vertex& a, const Vertex& b, const Vertex& c) {
  return (b.value - a.value) * (c.s - a.s) >= (c.value - a.value) * (b.s - a.s);
}

}  // namespace

double hull_slope(const Activation& phi, Interval range, double s, bool above) {
  const double width = range.upper - range.lower, sign = above ? -1.0 : 1.0;
  const auto admitted = [&](double slope) { return std::min(std::max(slope, 0.0), phi.lipschitz()); };
  if (!(width > 0) || !std::isfinite(width)) return std::isfinite(s) ? admitted(derivative(phi, s)) : 0;
  std::array<Vertex, steps + 1> hull{};
  std::size_t count = 0;
  for (int n = 0; n <= steps; ++n) {
    const double at = n == steps ? range.upper : range.lower + width * n / steps;
    const Vertex next{at, sign * phi(at), n};
    while (count > 1 && dispensable(hull[count - 2], hull[count - 1], next)) --count;
    hull[count++] = next;
  }
  std::size_t right = 1;
  while (right + 1 < count && hull[right].s < s) ++right;
  const Vertex &from = hull[right - 1], &to = hull[right];
  const bool curved = to.sample == from.sample + 1;  // the graph itself is the hull there, and no chord of it
  return admitted(curved ? derivative(phi, s) : sign * (to.value - from.value) / (to.s - from.s));
}

}  // namespace withstand::bounds::linear
