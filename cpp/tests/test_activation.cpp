// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "evaluate/ranges.hpp"
#include "withstand/activation.hpp"
#include "core/rounding.hpp"

using withstand::Activation;
using withstand::Interval;
using withstand::Pieces;

namespace {

std::vector<double> slopes_of(const withstand::ActivationFacts& facts) {
  if (std::isnan(facts.default_slope)) return {facts.default_slope};
  return {0.0, 0.01, 0.125, 0.5, 1.0, 2.0};
}

/// The sampled-soundness suite: range, monotonicity, modulus, values and slopes over intervals.
void check(const Activation& phi, const withstand::ActivationFacts& facts) {
  CHECK(phi.name() == facts.name && phi.nondecreasing() == facts.nondecreasing);
  CHECK(phi.piecewise_linear() == facts.piecewise_linear);
  for (double s = -6; s < 6; s += 0.125) {
    for (double eta : {0.0, 0.01, 0.5, 3.0}) {
      const double step = phi(s + eta) - phi(s), near = 1e-15 * (1 + std::abs(phi(s)));
      CHECK(step >= 0 || !phi.nondecreasing());
      CHECK(std::abs(step) <= phi.modulus(eta) + near);
      CHECK(phi.modulus(eta) <= withstand::mul_up(phi.lipschitz(), eta));  // both are rounded up
      const Interval range{s, s + eta}, values = withstand::values_over(phi, range);
      const Interval slopes = withstand::local_slopes(phi, range);
      CHECK(slopes.upper <= phi.lipschitz() * (1 + 1e-15) && (slopes.lower >= 0 || !phi.nondecreasing()));
      for (int n = 0; n <= 16; ++n) {
        const double t = n == 16 ? s + eta : s + eta * n / 16, y = phi(t);
        CHECK(values.lower <= y && y <= values.upper);
        CHECK(slopes.lower * (t - s) - near <= y - phi(s) && y - phi(s) <= slopes.upper * (t - s) + near);
      }
    }
    CHECK(phi(s) >= phi.infimum() && phi(s) <= phi.supremum());
  }
  for (const double end : {-withstand::infinity, -1e300, -800.0, 800.0, 1e300, withstand::infinity}) {
    CHECK(!std::isnan(phi(end)) && phi(end) >= phi.infimum() && phi(end) <= phi.supremum());
    // What comes to 0 from below is -0, as in every runtime: a flipped bit of it may say so.
    if (end < 0 && phi(end) == 0 && !phi.nondecreasing()) CHECK(std::signbit(phi(end)));
    const Interval slopes = withstand::local_slopes(phi, {std::min(end, 0.0), std::max(end, 0.0)});
    CHECK(slopes.lower <= slopes.upper && slopes.upper <= phi.lipschitz() * (1 + 1e-15));
  }
}

/// A ramp with a slope other than 1: its pieces, where its corners are exact and where they are rounded.
void check_ramps() {
  const Pieces exact = Pieces::clamped(-1, 2, 0.25, 0.5);
  CHECK(exact.corners == 2 && exact.corner[0] == -6 && exact.corner[1] == 6 && exact.rounded == 0);
  CHECK(exact(-7) == -1 && exact(-6) == -1 && exact(-2) == 0 && exact(0) == 0.5 && exact(6) == 2 && exact(7) == 2);
  CHECK(exact.steepest() == 0.25);
  const Pieces sixth = Pieces::clamped(0, 1, 1.0 / 6, 0.5);
  for (int k = 0; k < 2; ++k) {  // 0 at the left corner and 1 at the right one, up to what it says it is rounded by
    const double in = std::fma(1.0 / 6, sixth.corner[k], 0.5 - k);
    CHECK(in != 0 && std::abs(in) <= sixth.rounded / 6 && sixth.rounded < 1e-14);
  }
  const Activation phi("hard_sigmoid"), old("clip", 1.0 / 6);
  for (double s = -4; s < 4; s += 0.03125) CHECK(phi(s) == old(s));
  CHECK(phi.lipschitz() == 1.0 / 6 && phi.infimum() == 0 && phi.supremum() == 1 && phi.modulus(100) == 1);
  for (const double s : {-3.0, 3.0}) {  // a range that ends at a rounded corner may reach beyond it
    const Interval slopes = withstand::local_slopes(phi, {std::min(s, 0.0), std::max(s, 0.0)});
    CHECK(slopes.lower == 0 && slopes.upper >= 1.0 / 6);
  }
  CHECK(withstand::local_slopes(phi, {-2.5, 2.5}).lower > 0.1666 && withstand::local_slopes(phi, {3.5, 9}).upper == 0);
}

}  // namespace

int main() {
  check_ramps();
  for (const withstand::ActivationFacts& facts : withstand::known_activations()) {
    CHECK(Activation(facts.name).slope() == facts.default_slope || std::isnan(facts.default_slope));
    for (const double slope : slopes_of(facts))
      for (const double gain : {0.25, 1.0, 1.5, 7.0}) check(Activation(facts.name, gain, slope), facts);
  }
  CHECK(Activation("logistic")(0) == 0.5);
  CHECK(Activation("logistic")(-800) >= 0 && std::isfinite(Activation("softplus")(800)));
  CHECK(Activation("logistic", 4).lipschitz() == 1);
  CHECK(Activation("clip")(0.25) == 0.75);
  CHECK(Activation("elu").slope() == 1 && Activation("leaky_relu").slope() == 0.01);
  CHECK(message_of<std::invalid_argument>([] { Activation("sine"); }).find("unknown activation 'sine'") == 0);
  CHECK(message_of<std::invalid_argument>([] { Activation("relu", -1); }).find("gain must be positive") !=
        std::string::npos);
  CHECK(message_of<std::invalid_argument>([] { Activation("relu", 1, 0.5); }).find("has no slope") !=
        std::string::npos);
}
