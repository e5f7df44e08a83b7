// SPDX-License-Identifier: MIT
// Lines below and above every activation, on ranges of every kind: none of them may cross the graph between its ends.
#include <algorithm>
#include <cmath>
#include <vector>

#include "bounds/linear/lines.hpp"
#include "check.hpp"

using withstand::Activation;
using withstand::Interval;
namespace linear = withstand::bounds::linear;

namespace {

constexpr double near = 1e-12;  // of sampled values, which are rounded themselves

std::vector<double> samples(Interval range) {
  std::vector<double> all;
  for (int i = 0; i <= 64; ++i) all.push_back(std::min(range.upper, range.lower + (range.upper - range.lower) * i / 64));
  for (const double kink : {-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0})
    if (range.lower <= kink && kink <= range.upper) all.push_back(kink);
  return all;
}

void check_offsets(const Activation& phi, Interval range, double slope) {
  const Interval offset = linear::offsets(phi, slope, range);
  double least = 1e300, most = -1e300;
  for (const double s : samples(range)) {
    least = std::min(least, phi(s) - slope * s);
    most = std::max(most, phi(s) - slope * s);
  }
  CHECK(offset.lower <= least + near && offset.upper >= most - near);
  const double apart = 0.02 * (1 + (range.upper - range.lower) / 4);  // no looser than the samples are apart
  CHECK(offset.lower >= least - apart && offset.upper <= most + apart);
}

void check_slopes(const Activation& phi, Interval range) {
  const Interval slopes = linear::slopes(phi, range), image = linear::image(phi, range);
  const double straight = linear::straight_slope(phi, range);
  const std::vector<double> at = samples(range);
  for (const double s : at) {
    CHECK(image.lower <= phi(s) + near && image.upper >= phi(s) - near);
    for (const double t : at) {
      if (!(t > s)) continue;
      const double rise = phi(t) - phi(s);
      CHECK(slopes.lower * (t - s) <= rise + near && slopes.upper * (t - s) >= rise - near);
      CHECK(straight < 0 || std::abs(straight * (t - s) - rise) <= near);
    }
  }
}

}  // namespace

int main() {
  std::vector<Activation> activations;
  for (const withstand::ActivationFacts& facts : withstand::known_activations()) {
    const bool sloped = !std::isnan(facts.default_slope);
    for (const double slope : sloped ? std::vector<double>{0.0, 0.1, 1.0, 1.5} : std::vector<double>{facts.default_slope})
      for (const double gain : {1.0, 2.0}) activations.emplace_back(facts.name, gain, slope);
  }
  const std::vector<double> ends{-3.0, -2.0, -1.0, -0.75, -0.5, -0.1, 0.0, 0.2, 0.5, 1.0, 2.5, 6.5};
  for (const Activation& phi : activations)
    for (std::size_t i = 0; i < ends.size(); ++i)
      for (std::size_t k = i; k < ends.size(); ++k) {
        const Interval range{ends[i], ends[k]};
        for (const double slope : {0.0, 0.1, 0.25, 0.5, 1.0, 1.7}) check_offsets(phi, range, slope);
        check_slopes(phi, range);
      }
}
