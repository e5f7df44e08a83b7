// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "bounds/linear/relaxation.hpp"
#include "core/interval.hpp"

// The difference form: delta = phi(s + eta) - phi(s), where the nominal s lies in a box (a number up to rounding when the
// input is a point), the deviation eta in a range, and s + eta in another.
namespace withstand::bounds::linear {
namespace {

double value_at(const Line& line, double x) { return line.slope * x + line.offset; }

/// delta <= most slope * eta for eta >= 0, least slope * eta for eta < 0: a convex function of eta.
double convex_end(Interval slope, double eta) { return product_up(eta >= 0 ? slope.upper : slope.lower, eta); }
double concave_end(Interval slope, double eta) { return product_down(eta >= 0 ? slope.lower : slope.upper, eta); }

Interval signal_range(const Activation& phi, const Receiver& r, Interval slope) {
  const Interval faulty = image(phi, r.faulty);
  const Interval difference{down(faulty.lower - r.post.upper), up(faulty.upper - r.post.lower)};
  double least = concave_end(slope, r.deviation.lower), most = convex_end(slope, r.deviation.upper);
  if (slope.lower < 0) {  // falling and rising: a concave function is least at one end, a convex one largest
    least = std::min(least, concave_end(slope, r.deviation.upper));
    most = std::max(most, convex_end(slope, r.deviation.lower));
  }
  return {std::max(difference.lower, least), std::min(difference.upper, most)};
}

/// phi(s + eta) - phi(s) = [phi(ŝ) - k ŝ] - [phi(s) - k s] + k eta: a line of slope k for phi is one for delta.
Line shifted_above(const Activation& phi, const Receiver& r, double slope) {
  return {slope, up(offsets(phi, slope, r.faulty).upper - offsets(phi, slope, r.pre).lower)};
}
Line shifted_below(const Activation& phi, const Receiver& r, double slope) {
  return {slope, down(offsets(phi, slope, r.faulty).lower - offsets(phi, slope, r.pre).upper)};
}

/// Chord of max(k⁻ eta, k⁺ eta) (above) or of min(k⁻ eta, k⁺ eta) (below) over the range of eta.
Line line_through(Interval eta, double low, double high, bool above) {
  const double slope = std::max(0.0, (high - low) / (eta.upper - eta.lower));
  const double left = low - slope * eta.lower, right = high - slope * eta.upper;
  const double error =
      4 * epsilon * (std::abs(low) + std::abs(high) + slope * (std::abs(eta.lower) + std::abs(eta.upper))) + 0x1p-1000;
  return {slope, above ? std::max(left, right) + error : std::min(left, right) - error};
}

void keep_lower(Line& best, const Line& line, double x) {
  if (value_at(line, x) < value_at(best, x)) best = line;
}
void keep_higher(Line& best, const Line& line, double x) {
  if (value_at(line, x) > value_at(best, x)) best = line;
}

}  // namespace

Response difference_response(const Activation& phi, const Receiver& r, bool point) {
  const Interval eta = r.deviation, both = hull(r.faulty, r.pre);
  if (eta.lower == 0 && eta.upper == 0) return {};
  const double straight = straight_slope(phi, both);
  if (straight >= 0) {  // delta = straight * eta
    const bool exact = straight == 0 || straight == phi.gain();
    const double reach = std::max(std::abs(eta.lower), std::abs(eta.upper));
    const double error = exact ? 0 : 2 * epsilon * straight * reach + tiny * (1 + reach);
    return {{straight, -error},
            {straight, error},
            {product_down(straight, eta.lower) - error, product_up(straight, eta.upper) + error}};
  }
  const Interval slope = slopes(phi, both);
  const Interval signal = signal_range(phi, r, slope);
  const double reference = middle(r.faulty), centre = middle(eta);
  Line above = shifted_above(phi, r, slope_above(phi, r.faulty, reference));
  Line below = shifted_below(phi, r, slope_below(phi, r.faulty, reference));
  keep_lower(above, {0, signal.upper}, centre);
  keep_higher(below, {0, signal.lower}, centre);
  if (!point && eta.upper > eta.lower) {
    keep_lower(above, line_through(eta, convex_end(slope, eta.lower), convex_end(slope, eta.upper), true), centre);
    keep_higher(below, line_through(eta, concave_end(slope, eta.lower), concave_end(slope, eta.upper), false), centre);
  }
  return {below, above, signal};
}

Response value_response(const Activation& phi, Interval faulty) {
  const double reference = middle(faulty);
  const double above = slope_above(phi, faulty, reference), below = slope_below(phi, faulty, reference);
  return {{below, offsets(phi, below, faulty).lower}, {above, offsets(phi, above, faulty).upper}, image(phi, faulty)};
}

}  // namespace withstand::bounds::linear
