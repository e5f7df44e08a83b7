// SPDX-License-Identifier: MIT
#include "bounds/linear/lines.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/rounding.hpp"

namespace withstand::bounds::linear {
namespace {

using Kind = Activation::Kind;

constexpr double epsilon = std::numeric_limits<double>::epsilon();

/// Up to four arguments at which phi(s) - slope * s can be extreme inside an interval: kinks and stationary points.
struct Critical {
  std::array<double, 4> at{};
  int count = 0;
  void add(double s) { at[static_cast<std::size_t>(count++)] = s; }
};

/// Solutions of phi'(s) = slope and kinks, for gain 1. An inexact solution costs only second order: it is stationary.
Critical critical(Kind kind, double bend, double slope) {
  Critical points;
  switch (kind) {
    case Kind::relu:
    case Kind::leaky_relu: points.add(0); break;
    case Kind::hard_tanh: points.add(-1), points.add(1); break;
    case Kind::clip: points.add(-0.5), points.add(0.5); break;
    case Kind::identity: break;
    case Kind::logistic:  // p (1 - p) = slope
      if (slope > 0 && slope < 0.25) {
        const double s = 2 * std::log1p(std::sqrt(1 - 4 * slope)) - std::log(4 * slope);
        points.add(-s), points.add(s);
      }
      break;
    case Kind::tanh:  // 1 - t^2 = slope
      if (slope > 0 && slope < 1) {
        const double s = std::log1p(std::sqrt(1 - slope)) - 0.5 * std::log(slope);
        points.add(-s), points.add(s);
      }
      break;
    case Kind::softplus:  // logistic(s) = slope
      if (slope > 0 && slope < 1) points.add(std::log(slope) - std::log1p(-slope));
      break;
    case Kind::elu:
      points.add(0);
      if (slope > 0 && slope < bend) points.add(std::log(slope / bend));
      break;
  }
  return points;
}

bool smooth(Kind kind) {
  return kind == Kind::logistic || kind == Kind::tanh || kind == Kind::softplus || kind == Kind::elu;
}

/// Rounding of phi(s) and of a kink's or stationary point's position, beyond what is relative to phi(s) itself.
double absolute_error(const Activation& phi) {
  if (phi.kind() == Kind::relu || phi.kind() == Kind::leaky_relu || phi.kind() == Kind::identity) return 0;
  return 8 * epsilon * (std::isnan(phi.slope()) ? 1.0 : std::max(1.0, phi.slope()));
}

/// Rounding of phi(s) below the normal range, where that is not part of the absolute error.
double lost(const Activation& phi, double s) {
  if (phi.kind() == Kind::relu) return s > 0 ? underflow(phi.gain(), s) : 0;
  if (phi.kind() == Kind::identity) return underflow(phi.gain(), s);
  if (phi.kind() != Kind::leaky_relu) return 0;
  return underflow(phi.gain(), s) + (s < 0 ? underflow(phi.slope(), phi.gain() * s) : 0);
}

bool s_shaped(Kind kind) { return kind == Kind::logistic || kind == Kind::tanh; }

double chord(const Activation& phi, double from, double to) {
  const double width = to - from;
  if (!(width > 0)) return derivative(phi, from);
  return std::min(std::max((phi(to) - phi(from)) / width, 0.0), phi.lipschitz());
}

/// An s-shaped phi is convex up to 0 and concave beyond. The line from the anchor (`end` < 0) that touches the concave
/// branch touches it at d with phi'(d) (d - end) = phi(d) - phi(end); found by bisection to a few digits.
double touching_point(const Activation& phi, double end, double limit) {
  const double direction = end < 0 ? 1.0 : -1.0;
  const auto overshoots = [&](double d) {  // the tangent at d passes on the right side of the anchor
    return direction * (phi(d) + derivative(phi, d) * (end - d) - phi(end)) >= 0;
  };
  double inside = 0, outside = limit;
  if (!overshoots(outside)) return limit;
  for (int step = 0; step < 24; ++step) {
    const double middle = 0.5 * (inside + outside);
    (overshoots(middle) ? outside : inside) = middle;
  }
  return outside;
}

/// Slope of the support, at s, of the hull above (below) an s-shaped phi on a range that straddles 0. `anchor` is the
/// end on the convex (concave) branch, where the hull is a straight line, `end` the other one.
double s_shaped_slope(const Activation& phi, double anchor, double end, double s) {
  const double touch = touching_point(phi, anchor, end);
  const bool beyond = end > 0 ? s >= touch : s <= touch;
  return beyond && touch != end ? derivative(phi, s) : chord(phi, anchor, touch);
}

/// Ramps between two kinks (hard tanh, clip).
struct Ramp {
  double begin = 0, end = 0;
};
bool ramp_of(const Activation& phi, Ramp& ramp) {
  if (phi.kind() == Kind::hard_tanh) ramp = {-1 / phi.gain(), 1 / phi.gain()};
  else if (phi.kind() == Kind::clip) ramp = {-0.5 / phi.gain(), 0.5 / phi.gain()};
  else return false;
  return true;
}

}  // namespace

double derivative(const Activation& phi, double s) {
  const double gain = phi.gain(), x = gain * s;
  switch (phi.kind()) {
    case Kind::logistic: {
      const double e = std::exp(-std::abs(x));
      return gain * e / ((1 + e) * (1 + e));
    }
    case Kind::tanh: {
      const double t = std::tanh(x);
      return gain * (1 - t * t);
    }
    case Kind::relu: return x > 0 ? gain : 0;
    case Kind::leaky_relu: return x > 0 ? gain : gain * phi.slope();
    case Kind::hard_tanh: return std::abs(x) < 1 ? gain : 0;
    case Kind::clip: return std::abs(x) < 0.5 ? gain : 0;
    case Kind::elu: return x > 0 ? gain : gain * phi.slope() * std::exp(x);
    case Kind::softplus: return x >= 0 ? gain / (1 + std::exp(-x)) : gain * std::exp(x) / (1 + std::exp(x));
    case Kind::identity: return gain;
  }
  return gain;
}

Interval slopes(const Activation& phi, Interval range) {
  const double left = derivative(phi, range.lower), right = derivative(phi, range.upper);
  double least = std::min(left, right), most = std::max(left, right);
  if (s_shaped(phi.kind()) && range.lower < 0 && range.upper > 0) most = phi.lipschitz();
  if (phi.kind() == Kind::elu && range.lower <= 0 && range.upper >= 0) {  // both sides of the kink, if it is one
    least = std::min({least, phi.gain(), phi.gain() * phi.slope()});
    most = std::max({most, phi.gain(), phi.gain() * phi.slope()});
  }
  const double straight = straight_slope(phi, range);
  if (phi.piecewise_linear() && straight < 0) {
    const bool leaky = phi.kind() == Kind::leaky_relu;
    least = leaky ? std::min(phi.gain(), phi.gain() * phi.slope()) : 0;
    most = leaky ? std::max(phi.gain(), phi.gain() * phi.slope()) : phi.gain();
  } else if (phi.piecewise_linear()) {
    least = most = straight;
  }
  const double up = 1 + 16 * epsilon, down = 1 - 16 * epsilon;
  const bool exact = phi.piecewise_linear() && phi.kind() != Kind::leaky_relu;
  if (exact) return {least, most};
  const double spread = smooth(phi.kind()) ? absolute_error(phi) * phi.lipschitz() : 0;
  return {std::max(0.0, least * down - spread), std::min(most * up + spread, phi.lipschitz())};
}

double straight_slope(const Activation& phi, Interval range) {
  Ramp ramp;
  if (ramp_of(phi, ramp)) {
    if (range.upper <= ramp.begin * (1 + 2 * epsilon) || range.lower >= ramp.end * (1 + 2 * epsilon)) return 0;
    const double inside = 1 - 2 * epsilon;
    return range.lower >= ramp.begin * inside && range.upper <= ramp.end * inside ? phi.gain() : -1;
  }
  switch (phi.kind()) {
    case Kind::identity: return phi.gain();
    case Kind::relu: return range.lower >= 0 ? phi.gain() : range.upper <= 0 ? 0 : -1;
    case Kind::leaky_relu: return range.lower >= 0 ? phi.gain() : range.upper <= 0 ? phi.gain() * phi.slope() : -1;
    default: return -1;
  }
}

Interval image(const Activation& phi, Interval range) {
  const double low = phi(range.lower), high = phi(range.upper);
  const bool exact = phi.gain() == 1 && (phi.kind() == Kind::relu || phi.kind() == Kind::identity);
  if (exact) return {low, high};
  const double below = 8 * epsilon * std::abs(low) + absolute_error(phi) + lost(phi, range.lower);
  const double above = 8 * epsilon * std::abs(high) + absolute_error(phi) + lost(phi, range.upper);
  return {std::max(phi.infimum(), low - below), std::min(phi.supremum(), high + above)};
}

Interval offsets(const Activation& phi, double slope, Interval range) {
  double least = infinity, most = -infinity;
  const double absolute = absolute_error(phi);
  const bool rectifier = phi.kind() == Kind::relu && phi.gain() == 1;  // by far the most frequent: no call, no switch
  const auto include = [&](double s) {
    const double value = rectifier ? std::max(s, 0.0) : phi(s), linear = slope * s, difference = value - linear;
    const bool exact = absolute == 0 && phi.gain() == 1 && (value == 0 || value == s) &&
                       (slope == 0 || (slope == 1 && (value == s || value == 0)));
    const double tiny = exact ? 0 : (rectifier ? 0 : lost(phi, s)) + underflow(slope, s);
    const double error = exact ? 0 : 8 * epsilon * (std::abs(value) + std::abs(linear)) + absolute + tiny;
    least = std::isfinite(difference) ? std::min(least, difference - error) : -infinity;
    most = std::isfinite(difference) ? std::max(most, difference + error) : infinity;
  };
  include(range.lower);
  include(range.upper);
  if (rectifier && range.lower < 0 && range.upper > 0) include(0);
  if (rectifier) return {least, most};
  const Critical points = critical(phi.kind(), phi.slope(), slope / phi.gain());
  for (int i = 0; i < points.count; ++i) {
    const double s = points.at[static_cast<std::size_t>(i)] / phi.gain();
    if (s > range.lower && s < range.upper) include(s);
  }
  return {least, most};
}

double slope_above(const Activation& phi, Interval range, double s) {
  Ramp ramp;
  if (ramp_of(phi, ramp)) {  // up the ramp from the left end, then flat
    const double corner = std::min(ramp.end, range.upper);
    return range.lower >= corner || s > corner ? 0 : chord(phi, range.lower, corner);
  }
  if (s_shaped(phi.kind())) {
    if (range.upper <= 0) return chord(phi, range.lower, range.upper);
    return range.lower >= 0 ? derivative(phi, s) : s_shaped_slope(phi, range.lower, range.upper, s);
  }
  const bool concave_kink = phi.kind() == Kind::leaky_relu || phi.kind() == Kind::elu;
  if (concave_kink && phi.slope() > 1 && range.lower < 0 && range.upper > 0)
    return s < 0 ? chord(phi, range.lower, 0) : chord(phi, 0, range.upper);
  return chord(phi, range.lower, range.upper);
}

double slope_below(const Activation& phi, Interval range, double s) {
  Ramp ramp;
  if (ramp_of(phi, ramp)) {  // flat, then up the ramp to the right end
    const double corner = std::max(ramp.begin, range.lower);
    return range.upper <= corner || s < corner ? 0 : chord(phi, corner, range.upper);
  }
  if (s_shaped(phi.kind())) {
    if (range.lower >= 0) return chord(phi, range.lower, range.upper);
    return range.upper <= 0 ? derivative(phi, s) : s_shaped_slope(phi, range.upper, range.lower, s);
  }
  const bool concave_kink = phi.kind() == Kind::leaky_relu || phi.kind() == Kind::elu;
  if (concave_kink && phi.slope() > 1 && range.lower < 0 && range.upper > 0) {
    const double across = chord(phi, range.lower, range.upper);
    return phi.kind() == Kind::elu && derivative(phi, s) < across && s < 0 ? derivative(phi, s) : across;
  }
  return derivative(phi, s);
}

}  // namespace withstand::bounds::linear
