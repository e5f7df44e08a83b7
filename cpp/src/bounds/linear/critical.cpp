// SPDX-License-Identifier: MIT
#include "bounds/linear/critical.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "activation/shape.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds::linear {
namespace {

/// phi' - slope changes its sign between two arguments of which one is on each side; by bisection to the last digit.
double crossing(const Activation& phi, double slope, double from, double to) {
  const Smooth& smooth = *phi.shape().smooth;
  const bool rises = smooth.derivative(1, phi.slope(), to) > slope;
  for (int step = 0; step < 64; ++step) {
    const double middle = 0.5 * from + 0.5 * to;
    if (middle <= from || middle >= to) break;
    ((smooth.derivative(1, phi.slope(), middle) > slope) == rises ? to : from) = middle;
  }
  return 0.5 * from + 0.5 * to;
}

/// Solutions of phi'(t) = slope inside a range: one at most between kinks and inflections, where phi' is monotone.
void search(const Activation& phi, double slope, Interval t, Critical& points) {
  const Smooth& smooth = *phi.shape().smooth;
  std::vector<double> ends{t.lower, t.upper};
  for (const Arguments& where : {smooth.kinks, smooth.inflections})
    for (const double at : where)
      if (at > t.lower && at < t.upper) ends.push_back(at), points.add(at);
  std::sort(ends.begin(), ends.end());
  for (std::size_t n = 0; n + 1 < ends.size(); ++n) {
    const double left = smooth.derivative(1, phi.slope(), std::nextafter(ends[n], infinity));
    const double right = smooth.derivative(1, phi.slope(), ends[n + 1]);
    if ((left > slope) != (right > slope)) points.add(crossing(phi, slope, ends[n], ends[n + 1]));
  }
}

}  // namespace

Critical critical(const Activation& phi, double slope, Interval t) {
  Critical points;
  if (phi.piecewise_linear()) {
    for (int k = 0; k < phi.pieces().corners; ++k) points.add(phi.pieces().corner[k]);
    return points;
  }
  const Smooth& smooth = *phi.shape().smooth;
  if (smooth.touching == nullptr) {
    search(phi, slope, t, points);
    return points;
  }
  for (const double kink : smooth.kinks) points.add(kink);
  std::array<double, 4> found{};
  const int count = smooth.touching(phi.slope(), slope, found.data());
  for (int n = 0; n < count; ++n) points.add(found[static_cast<std::size_t>(n)]);
  return points;
}

}  // namespace withstand::bounds::linear
