// SPDX-License-Identifier: MIT
#include "evaluate/ranges.hpp"

#include <algorithm>
#include <cmath>

#include "activation/shape.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

using Operation = double(double, double);

/// gain * s rounded and the rest of phi after it, rounded the same way where it is one exact or correctly rounded operation.
template <Operation multiply, Operation add>
double piecewise(const Activation& phi, double s) {
  const double t = multiply(phi.gain(), s);
  if (phi.rectifier()) return std::max(t, 0.0);
  const Pieces& p = phi.pieces();
  const int k = p.ramp ? 1 : p.piece(t);
  if (p.slope[k] == 0) return p.intercept[k];
  const double line = p.slope[k] == 1 ? t : multiply(p.slope[k], t);
  const double value = p.intercept[k] == 0 ? line : add(line, p.intercept[k]);
  return p.ramp ? p.clamp(value) : value;
}

/// Four units in the last place of the result, and what the rounding of t = gain * s moves it by, u |t| phi'(t): at most
/// u |t| Lip(phi), beyond |t| = 1 at most u Lip(phi) where phi saturates, and u |phi(t)| where it grows. The last term is
/// for results below the normal range.
double widening(const Activation& phi, double s, double value) {
  const double argument = std::min(std::abs(phi.gain() * s), 1.0) * (phi.lipschitz() / phi.gain());
  return 8 * unit_roundoff * std::abs(value) + 2 * unit_roundoff * argument + 0x1p-1000;
}

Vector radius_up(const Vector& centre, const Vector& lower, const Vector& upper) {
  Vector radius(centre.size());
  for (Index i = 0; i < centre.size(); ++i)
    radius(i) = std::max(sub_up(centre(i), lower(i)), sub_up(upper(i), centre(i)));
  return radius;
}

}  // namespace

double above(const Activation& phi, double s) {
  if (phi.piecewise_linear()) return piecewise<mul_up, add_up>(phi, s);
  const double value = phi(s);
  if (!std::isfinite(value)) return value;
  const double capped = std::min(value + widening(phi, s, value), phi.supremum());
  return phi.shape().smooth->keeps_sign && s <= 0 ? std::min(capped, 0.0) : capped;
}

double below(const Activation& phi, double s) {
  if (phi.piecewise_linear()) return piecewise<mul_down, add_down>(phi, s);
  const double value = phi(s);
  if (!std::isfinite(value)) return value;
  return std::max(value - widening(phi, s, value), phi.infimum());
}

double largest_image(const Activation& phi, double largest) {
  return std::min(phi.magnitude(), std::abs(phi(0)) + phi.lipschitz() * largest);
}

Vector largest_sums(const Network& net, Index l, ConstVectorRef magnitudes) {
  return net.map(l).absolute_product(magnitudes) + net.bias(l).cwiseAbs();
}

Interval values_over(const Activation& phi, const Interval& range) {
  Interval values{below(phi, range.lower), above(phi, range.upper)};
  if (phi.nondecreasing()) return values;
  const auto include = [&](double s) {
    values.lower = std::min(values.lower, below(phi, s));
    values.upper = std::max(values.upper, above(phi, s));
  };
  include(range.lower);
  include(range.upper);
  for (const double t : phi.shape().smooth->stationary)  // flat there: a place that is a rounding off is as good
    if (const double s = t / phi.gain(); s > range.lower && s < range.upper) include(s);
  return values;
}

double modulus_above(const Activation& phi, double eta) {
  return std::min(phi.modulus(eta), mul_up(phi.lipschitz(), eta));
}

namespace {

/// Of the pieces that have more than an end in common with the range, or of the one on the right of a corner.
Interval piece_slopes(const Pieces& p, const Interval& range) {
  const Interval t{range.lower - p.rounded, range.upper + p.rounded};
  Interval found{infinity, -infinity};
  for (int k = 0; k <= p.corners; ++k) {
    if ((k > 0 && t.upper <= p.corner[k - 1]) || (k < p.corners && t.lower >= p.corner[k])) continue;
    found = {std::min(found.lower, p.slope[k]), std::max(found.upper, p.slope[k])};
  }
  const double right = p.slope[p.piece(t.lower)];
  return found.lower <= found.upper ? found : Interval{right, right};
}

/// phi' is monotone between kinks and inflections. What it is rounded by is a few units of 1 + scale: t phi''(t) is small.
Interval smooth_slopes(const Activation& phi, const Interval& t) {
  const Smooth& smooth = *phi.shape().smooth;
  Interval found{infinity, -infinity};
  const auto include = [&](double at) {
    const double slope = smooth.derivative(1, phi.slope(), at);
    found = {std::min(found.lower, slope), std::max(found.upper, slope)};
  };
  include(t.lower);
  include(t.upper);
  for (const Arguments& where : {smooth.kinks, smooth.inflections})
    for (const double at : where)
      if (at >= t.lower && at <= t.upper) include(at), include(std::nextafter(at, infinity));
  const double error = 64 * unit_roundoff * (1 + smooth.scale(phi.slope()));
  const double steepest = smooth.lipschitz(phi.slope());
  return {std::max(found.lower - error, phi.nondecreasing() ? 0 : -steepest), std::min(found.upper + error, steepest)};
}

/// phi' / gain over t = gain * s.
Interval unit_slopes(const Activation& phi, const Interval& t) {
  if (phi.piecewise_linear()) return piece_slopes(phi.pieces(), t);
  const Smooth& smooth = *phi.shape().smooth;
  return smooth.slopes != nullptr ? smooth.slopes(phi.slope(), t) : smooth_slopes(phi, t);
}

}  // namespace

Interval local_slopes(const Activation& phi, const Interval& range) {
  const Interval t{mul_down(phi.gain(), range.lower), mul_up(phi.gain(), range.upper)};
  const Interval slopes = unit_slopes(phi, t);
  const double least = phi.nondecreasing() ? std::max(0.0, slopes.lower) : slopes.lower;
  return {mul_down(phi.gain(), least), mul_up(phi.gain(), slopes.upper)};
}

Interval affine_range(const double* row, Index n, double offset, const Vector& lower, const Vector& upper) {
  const Eigen::Map<const Vector> weights(row, n);
  const Vector centre = (lower + upper) / 2;  // a rounded centre is as good as the exact one: the radius covers both
  const Vector radius = radius_up(centre, lower, upper);
  const double magnitude =
      (weights.cwiseAbs().dot(centre.cwiseAbs() + radius) + std::abs(offset)) * (1 + 2 * static_cast<double>(n + 4) * unit_roundoff);
  const double unit = std::min(grid(row, n) * std::min(grid(centre.data(), n), grid(radius.data(), n)), grid(&offset, 1));
  const double error = sum_error(2 * n + 2, magnitude, unit);
  const double middle = weights.dot(centre) + offset;
  const double spread = weights.cwiseAbs().dot(radius);
  return {sub_down(sub_down(middle, spread), error), add_up(add_up(middle, spread), error)};
}

namespace {

/// The same for maps of few weights: errors go by the terms that a receiver has. One signal alone, as it is, is exact.
void sparse_affine(const Network& net, Index l, const Vector& centre, const Vector& radius, Vector& pre_lower,
                   Vector& pre_upper) {
  const Affine& map = net.map(l);
  const Vector spread = map.absolute_product(radius);
  const Vector size = map.absolute_product(centre.cwiseAbs() + radius) + net.bias(l).cwiseAbs();
  Terms terms;
  for (Index j = 0; j < map.rows(); ++j) {
    map.terms_of_row(j, terms);
    const Index i = terms.size == 1 ? terms.sender(0) : -1;
    if (i >= 0 && terms.weight[0] == 1 && net.bias(l)(j) == 0) {
      pre_lower(j) = sub_down(centre(i), radius(i));
      pre_upper(j) = add_up(centre(i), radius(i));
      continue;
    }
    const double error = sum_error(2 * terms.size + 4, size(j) * (1 + 8 * unit_roundoff * static_cast<double>(terms.size + 4)), 0);
    const double wide = spread(j) * (1 + 2 * unit_roundoff * static_cast<double>(terms.size + 4));
    pre_upper(j) = add_up(add_up(pre_upper(j), wide), error);
    pre_lower(j) = sub_down(sub_down(pre_lower(j), wide), error);
  }
}

/// The pre-activations of a layer from the values below it, in centre and radius: one matrix product for a point, two
/// for a box.
void affine(const Network& net, Index l, const Vector& lower, const Vector& upper, Vector& pre_lower, Vector& pre_upper) {
  const Affine& map = net.map(l);
  const WeightFacts& facts = map.facts();
  const Index n = map.cols();
  const Vector centre = (lower + upper) / 2;
  const bool point = lower == upper;
  Vector radius = Vector::Zero(n);
  if (!point) radius = radius_up(centre, lower, upper);
  const double size = (centre.stableNorm() + radius.stableNorm()) * (1 + 2 * static_cast<double>(n + 8) * unit_roundoff);
  const double unit = std::min(facts.grid * std::min(grid(centre.data(), n), grid(radius.data(), n)), net.bias_grid(l));

  pre_lower = map.product(centre);
  pre_lower += net.bias(l);
  pre_upper = pre_lower;
  const double widest = point ? 0 : radius.maxCoeff();
  const bool thin = widest <= 1e-11 * centre.cwiseAbs().maxCoeff();  // a rounded point: a product would buy nothing
  if (map.matrix() == nullptr) return sparse_affine(net, l, centre, radius, pre_lower, pre_upper);
  Terms terms;
  for (Index j = 0; j < map.rows(); ++j) {
    const double spread = point  ? 0
                          : thin ? facts.row_sum(j) * widest * (1 + 2 * unit_roundoff)
                                 : Eigen::Map<const Vector>(map.row(j, terms), n).cwiseAbs().dot(radius);
    const double magnitude = facts.row_norm(j) * size * (1 + 8 * unit_roundoff) + std::abs(net.bias(l)(j));
    const double error = sum_error(2 * n + 4, magnitude, thin && !point ? 0 : unit);
    pre_upper(j) = add_up(add_up(pre_upper(j), spread), error);
    pre_lower(j) = sub_down(sub_down(pre_lower(j), spread), error);
  }
}

Nominal empty(const Network& net) {
  Nominal ranges;
  const auto layers = static_cast<std::size_t>(net.layers()) + 1;
  ranges.pre_lower.resize(layers);
  ranges.pre_upper.resize(layers);
  ranges.lower.resize(layers);
  ranges.upper.resize(layers);
  return ranges;
}

}  // namespace

Nominal propagate(const Network& net, ConstVectorRef lower, ConstVectorRef upper) {
  Nominal ranges = empty(net);
  ranges.propagated = true;
  ranges.lower[0] = lower;
  ranges.upper[0] = upper;
  for (Index l = 1; l <= net.layers(); ++l) {
    interruption_point();
    const auto at = static_cast<std::size_t>(l);
    affine(net, l, ranges.lower[at - 1], ranges.upper[at - 1], ranges.pre_lower[at], ranges.pre_upper[at]);
    ranges.lower[at].resize(net.width(l));
    ranges.upper[at].resize(net.width(l));
    for (Index j = 0; j < net.width(l); ++j) {
      const Interval y = values_over(net.activation(l, j), ranges.pre(l, j));
      ranges.lower[at](j) = y.lower;
      ranges.upper[at](j) = y.upper;
    }
  }
  return ranges;
}

Nominal unrestricted(const Network& net) {
  Nominal ranges = empty(net);
  for (Index l = 0; l <= net.layers(); ++l) {
    const auto at = static_cast<std::size_t>(l);
    const double low = l == 0 ? -infinity : net.activation(l).infimum();
    const double high = l == 0 ? infinity : net.activation(l).supremum();
    ranges.lower[at] = Vector::Constant(net.width(l), low);
    ranges.upper[at] = Vector::Constant(net.width(l), high);
    if (l == 0) continue;
    ranges.pre_lower[at] = Vector::Constant(net.width(l), -infinity);
    ranges.pre_upper[at] = Vector::Constant(net.width(l), infinity);
    for (Index source = 0; source < l; ++source) {  // wires hand on what their source can be
      const Index wires = net.offset(l, source), count = net.own(source);
      if (wires < 0) continue;
      ranges.lower[at].segment(wires, count) = ranges.lower[static_cast<std::size_t>(source)].head(count);
      ranges.upper[at].segment(wires, count) = ranges.upper[static_cast<std::size_t>(source)].head(count);
    }
  }
  return ranges;
}

}  // namespace withstand
