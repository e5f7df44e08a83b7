// SPDX-License-Identifier: MIT
#include "bounds/linear/lines.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "activation/shape.hpp"
#include "bounds/linear/critical.hpp"
#include "bounds/linear/hull.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds::linear {
namespace {

/// All pieces lie on lines through the origin: then rounding is relative to phi(s).
bool through_origin(const Pieces& p) { return p.intercept[0] == 0 && p.intercept[1] == 0 && p.intercept[2] == 0; }

/// Rounding of phi(s) and of a kink's or stationary point's position, beyond what is relative to phi(s) itself.
double absolute_error(const Activation& phi) {
  if (phi.rectifier()) return 0;
  if (!phi.piecewise_linear()) return 8 * epsilon * std::max(1.0, phi.shape().smooth->scale(phi.slope()));
  const Pieces& p = phi.pieces();
  if (through_origin(p)) return 0;
  double size = 1;
  for (const double intercept : p.intercept) size = std::max(size, std::abs(intercept));
  return 8 * epsilon * size;
}

/// Rounding of phi(s) below the normal range, where that is not part of the absolute error.
double lost(const Activation& phi, double s) {
  if (!phi.piecewise_linear() || !through_origin(phi.pieces())) return 0;
  const double slope = s > 0 ? phi.pieces().slope[2] : phi.pieces().slope[0];
  if (slope == 0) return 0;
  return underflow(phi.gain(), s) + (slope == 1 ? 0 : underflow(slope, phi.gain() * s));
}

/// Convex up to 0 and concave beyond.
bool s_shaped(const Activation& phi) {
  if (phi.piecewise_linear()) return false;
  const Smooth& smooth = *phi.shape().smooth;
  return smooth.kinks.count == 0 && smooth.stationary.count == 0 && smooth.inflections.count == 1 &&
         smooth.inflections.at[0] == 0;
}

/// A kink at 0 that bends down.
bool concave_kink(const Activation& phi) {
  if (phi.piecewise_linear()) return phi.pieces().corners == 1 && phi.pieces().slope[0] > phi.pieces().slope[1];
  const Smooth& smooth = *phi.shape().smooth;
  return smooth.kinks.count == 1 &&
         smooth.derivative(1, phi.slope(), 0) > smooth.derivative(1, phi.slope(), std::numeric_limits<double>::min());
}

/// None of the shapes whose hulls are known: they come from samples.
bool irregular(const Activation& phi) {
  if (phi.piecewise_linear() || s_shaped(phi)) return false;
  return phi.shape().smooth->inflections.count > 0 || phi.shape().smooth->kinks.count > 1;
}

double chord(const Activation& phi, double from, double to) {
  const double width = to - from;
  if (!(width > 0)) return derivative(phi, from);
  return std::min(std::max((phi(to) - phi(from)) / width, 0.0), phi.lipschitz());
}

/// An s-shaped phi is convex up to 0 and concave beyond. The line from the anchor (`end` < 0) that touches the concave
/// branch touches it at d with phi'(d) (d - end) = phi(d) - phi(end): half as far out where phi is nearly a cubic, less
/// beyond. Found to a few digits by false position (the Illinois form), where bisection took six times as many
/// evaluations; any slope is sound.
double touching_point(const Activation& phi, double end, double limit) {
  const double direction = end < 0 ? 1.0 : -1.0, anchor = phi(end);
  const auto overshot = [&](double d) {  // not negative where the tangent at d passes on the right side of the anchor
    return direction * (phi(d) + derivative(phi, d) * (end - d) - anchor);
  };
  double inside = 0, outside = std::abs(limit) < 0.5 * std::abs(end) ? limit : -0.5 * end, above = overshot(outside);
  if (!(above > 0)) {
    if (outside == limit) return limit;
    inside = outside, outside = limit;
    if (above = overshot(outside); !(above > 0)) return limit;
  }
  double below = overshot(inside), touch = outside;
  int side = 0;
  for (int step = 0; step < 24; ++step) {
    const double before = touch;
    touch = outside - above * (outside - inside) / (above - below);
    if (std::abs(touch - before) <= 1e-4 * std::abs(touch)) break;
    const double height = overshot(touch);
    if (height == 0) break;
    if (height > 0) {
      outside = touch, above = height;
      if (side == 1) below *= 0.5;
      side = 1;
    } else {
      inside = touch, below = height;
      if (side == -1) above *= 0.5;
      side = -1;
    }
  }
  return touch;
}

/// Slope of the support, at s, of the hull above (below) an s-shaped phi on a range that straddles 0. `anchor` is the
/// end on the convex (concave) branch, where the hull is a straight line, `end` the other one.
double s_shaped_slope(const Activation& phi, double anchor, double end, double s) {
  const double touch = touching_point(phi, anchor, end);
  const bool beyond = end > 0 ? s >= touch : s <= touch;
  return beyond && touch != end ? derivative(phi, s) : chord(phi, anchor, touch);
}

/// A ramp between two kinks, flat before and behind.
struct Ramp {
  double begin = 0, end = 0;
};
bool ramp_of(const Activation& phi, Ramp& ramp) {
  const Pieces& p = phi.pieces();
  if (!phi.piecewise_linear() || !p.ramp) return false;
  ramp = {p.corner[0] / phi.gain(), p.corner[1] / phi.gain()};
  return true;
}

/// Slopes of the pieces of an activation that is not straight on the range.
Interval bent_slopes(const Activation& phi) {
  const auto [least, most] = std::minmax_element(phi.pieces().slope, phi.pieces().slope + phi.pieces().corners + 1);
  return {phi.gain() * *least, phi.gain() * *most};
}

/// [inf, sup] of phi' over a range from its values at the ends, at inflections and on both sides of kinks.
Interval smooth_slopes(const Activation& phi, Interval range) {
  const double gain = phi.gain(), a = phi.slope();
  const Smooth& smooth = *phi.shape().smooth;
  const double left = derivative(phi, range.lower), right = derivative(phi, range.upper);
  Interval found{std::min(left, right), std::max(left, right)};
  const auto include = [&](double slope) { found = {std::min(found.lower, slope), std::max(found.upper, slope)}; };
  if (s_shaped(phi) && range.lower < 0 && range.upper > 0) found.upper = phi.lipschitz();
  if (irregular(phi))
    for (const double at : smooth.inflections)
      if (range.lower * gain <= at && range.upper * gain >= at) include(smooth.derivative(gain, a, at));
  for (const double at : smooth.kinks)
    if (range.lower * gain <= at && range.upper * gain >= at) {
      include(smooth.derivative(gain, a, at));
      include(smooth.derivative(gain, a, std::nextafter(at, infinity)));
    }
  return found;
}

}  // namespace

double derivative(const Activation& phi, double s) {
  const double gain = phi.gain(), x = gain * s;
  if (phi.rectifier()) return x > 0 ? gain : 0;  // here and below: by far the most frequent
  if (!phi.piecewise_linear()) return phi.shape().smooth->derivative(gain, phi.slope(), x);
  const Pieces& p = phi.pieces();
  return gain * p.slope[(x > p.corner[0] ? 1 : 0) + (x >= p.corner[1] ? 1 : 0)];
}

Interval slopes(const Activation& phi, Interval range) {
  const bool pieces = phi.piecewise_linear();
  const double straight = straight_slope(phi, range);
  if (phi.rectifier()) return straight < 0 ? Interval{0, phi.gain()} : Interval{straight, straight};
  const Interval found = !pieces ? smooth_slopes(phi, range) : straight < 0 ? bent_slopes(phi) : Interval{straight, straight};
  const bool exact = pieces && !phi.has_slope() && phi.pieces().steepest() == 1;
  if (exact) return found;
  const double up = 1 + 16 * epsilon, down = 1 - 16 * epsilon;
  const double spread = pieces ? 0 : absolute_error(phi) * phi.lipschitz();
  const double least = (found.lower < 0 ? found.lower * up : found.lower * down) - spread;
  return {phi.nondecreasing() ? std::max(0.0, least) : least, std::min(found.upper * up + spread, phi.lipschitz())};
}

double straight_slope(const Activation& phi, Interval range) {
  if (phi.rectifier()) return range.lower >= 0 ? phi.gain() : range.upper <= 0 ? 0 : -1;
  if (!phi.piecewise_linear()) return -1;
  const Pieces& p = phi.pieces();
  Ramp ramp;
  if (ramp_of(phi, ramp)) {
    const double inside = 1 - 2 * epsilon, outside = 1 + 2 * epsilon;  // where a corner was rounded
    const double before = ramp.begin * (ramp.begin < 0 ? outside : inside), behind = ramp.end * outside;
    if (range.upper <= before || range.lower >= behind) return 0;
    const double first = ramp.begin * (ramp.begin < 0 ? inside : outside), last = ramp.end * inside;
    return range.lower >= first && range.upper <= last ? phi.gain() * p.slope[1] : -1;
  }
  if (p.corners == 0) return phi.gain() * p.slope[0];
  if (p.corners != 1 || p.corner[0] != 0) return -1;
  return range.lower >= 0 ? phi.gain() * p.slope[1] : range.upper <= 0 ? phi.gain() * p.slope[0] : -1;
}

Interval image(const Activation& phi, Interval range) {
  double low = phi(range.lower), high = phi(range.upper);
  const bool exact = phi.gain() == 1 && (phi.rectifier() || phi.identity());
  if (exact) return {low, high};
  if (!phi.nondecreasing()) {
    const double left = low;
    low = std::min(low, high), high = std::max(left, high);
    for (const double t : phi.shape().smooth->stationary)  // flat there: a place that is a rounding off is as good
      if (const double s = t / phi.gain(); s > range.lower && s < range.upper) low = std::min(low, phi(s)), high = std::max(high, phi(s));
  }
  const double below = 8 * epsilon * std::abs(low) + absolute_error(phi) + lost(phi, range.lower);
  const double above = 8 * epsilon * std::abs(high) + absolute_error(phi) + lost(phi, range.upper);
  return {std::max(phi.infimum(), low - below), std::min(phi.supremum(), high + above)};
}

/// By far the most frequent: nothing is asked of an activation, and slopes 0 and 1 round nothing.
static Interval rectifier_offsets(double slope, Interval range) {
  const bool exact = slope == 0 || slope == 1;
  double least = infinity, most = -infinity;
  const auto include = [&](double s) {
    const double value = std::max(s, 0.0), linear = slope * s, difference = value - linear;
    const double error = exact ? 0 : 8 * epsilon * (std::abs(value) + std::abs(linear)) + underflow(slope, s);
    least = std::isfinite(difference) ? std::min(least, difference - error) : -infinity;
    most = std::isfinite(difference) ? std::max(most, difference + error) : infinity;
  };
  include(range.lower);
  include(range.upper);
  if (range.lower < 0 && range.upper > 0) include(0);
  return {least, most};
}

Interval offsets(const Activation& phi, double slope, Interval range) {
  if (phi.rectifier() && phi.gain() == 1) return rectifier_offsets(slope, range);
  double least = infinity, most = -infinity;
  const double absolute = absolute_error(phi);
  const auto include = [&](double s) {
    const double value = phi(s), linear = slope * s, difference = value - linear;
    const bool exact = absolute == 0 && phi.gain() == 1 && (value == 0 || value == s) &&
                       (slope == 0 || (slope == 1 && (value == s || value == 0)));
    const double tiny = exact ? 0 : lost(phi, s) + underflow(slope, s);
    const double error = exact ? 0 : 8 * epsilon * (std::abs(value) + std::abs(linear)) + absolute + tiny;
    least = std::isfinite(difference) ? std::min(least, difference - error) : -infinity;
    most = std::isfinite(difference) ? std::max(most, difference + error) : infinity;
  };
  include(range.lower);
  include(range.upper);
  const Critical points = critical(phi, slope / phi.gain(), {phi.gain() * range.lower, phi.gain() * range.upper});
  for (int i = 0; i < points.count; ++i) {
    const double s = points.at[static_cast<std::size_t>(i)] / phi.gain();
    if (s > range.lower && s < range.upper) include(s);
  }
  return {least, most};
}

double slope_above(const Activation& phi, Interval range, double s) {
  if (phi.rectifier()) return chord(phi, range.lower, range.upper);
  Ramp ramp;
  if (ramp_of(phi, ramp)) {  // up the ramp from the left end, then flat
    const double corner = std::min(ramp.end, range.upper);
    return range.lower >= corner || s > corner ? 0 : chord(phi, range.lower, corner);
  }
  if (s_shaped(phi)) {
    if (range.upper <= 0) return chord(phi, range.lower, range.upper);
    return range.lower >= 0 ? derivative(phi, s) : s_shaped_slope(phi, range.lower, range.upper, s);
  }
  if (irregular(phi)) return hull_slope(phi, range, s, true);
  if (concave_kink(phi) && range.lower < 0 && range.upper > 0)
    return s < 0 ? chord(phi, range.lower, 0) : chord(phi, 0, range.upper);
  return chord(phi, range.lower, range.upper);
}

double slope_below(const Activation& phi, Interval range, double s) {
  if (phi.rectifier()) return derivative(phi, s);
  Ramp ramp;
  if (ramp_of(phi, ramp)) {  // flat, then up the ramp to the right end
    const double corner = std::max(ramp.begin, range.lower);
    return range.upper <= corner || s < corner ? 0 : chord(phi, corner, range.upper);
  }
  if (s_shaped(phi)) {
    if (range.lower >= 0) return chord(phi, range.lower, range.upper);
    return range.upper <= 0 ? derivative(phi, s) : s_shaped_slope(phi, range.upper, range.lower, s);
  }
  if (irregular(phi)) return hull_slope(phi, range, s, false);
  if (concave_kink(phi) && range.lower < 0 && range.upper > 0) {
    const double across = chord(phi, range.lower, range.upper);
    return !phi.piecewise_linear() && derivative(phi, s) < across && s < 0 ? derivative(phi, s) : across;
  }
  return derivative(phi, s);
}

}  // namespace withstand::bounds::linear
