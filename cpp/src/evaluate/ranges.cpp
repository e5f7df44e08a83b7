// SPDX-License-Identifier: MIT
#include "evaluate/ranges.hpp"

#include <algorithm>
#include <cmath>

#include "withstand/parallel.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

using Kind = Activation::Kind;

/// gain * s rounded up and the rest of phi after it, rounded up where it is one exact or correctly rounded operation.
double piecewise_above(const Activation& phi, double s) {
  const double t = mul_up(phi.gain(), s);
  switch (phi.kind()) {
    case Kind::relu: return std::max(t, 0.0);
    case Kind::leaky_relu: return t >= 0 ? t : mul_up(phi.slope(), t);
    case Kind::hard_tanh: return std::min(1.0, std::max(-1.0, t));
    case Kind::clip: return std::min(1.0, std::max(0.0, add_up(t, 0.5)));
    default: return t;
  }
}

double piecewise_below(const Activation& phi, double s) {
  const double t = mul_down(phi.gain(), s);
  switch (phi.kind()) {
    case Kind::relu: return std::max(t, 0.0);
    case Kind::leaky_relu: return t >= 0 ? t : mul_down(phi.slope(), t);
    case Kind::hard_tanh: return std::min(1.0, std::max(-1.0, t));
    case Kind::clip: return std::min(1.0, std::max(0.0, add_down(t, 0.5)));
    default: return t;
  }
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
  if (phi.piecewise_linear()) return piecewise_above(phi, s);
  const double value = phi(s);
  if (!std::isfinite(value)) return value;
  const double capped = std::min(value + widening(phi, s, value), phi.supremum());
  return phi.kind() == Kind::elu && s <= 0 ? std::min(capped, 0.0) : capped;
}

double below(const Activation& phi, double s) {
  if (phi.piecewise_linear()) return piecewise_below(phi, s);
  const double value = phi(s);
  if (!std::isfinite(value)) return value;
  return std::max(value - widening(phi, s, value), phi.infimum());
}

double modulus_above(const Activation& phi, double eta) {
  return std::min(phi.modulus(eta), mul_up(phi.lipschitz(), eta));
}

namespace {

/// e^-t / (1 + e^-t)^2 for t >= 0, the logistic function's slope, as [below, above].
Interval bell(double t) {
  if (std::isinf(t)) return {0, 0};
  const double e = std::exp(-t);
  const double slope = e / ((1 + e) * (1 + e));
  const double error = (t + 16) * 2 * unit_roundoff;  // the argument was rounded, and exp magnifies that by t
  return {slope * (1 - error), slope * (1 + error) + 0x1p-1000};
}

/// phi' of logistic and tanh falls with |s|: largest at the point nearest 0, smallest at the farthest.
Interval bell_slopes(const Interval& t, double height) {
  const bool across = t.lower <= 0 && t.upper >= 0;
  const double near = across ? 0 : std::min(std::abs(t.lower), std::abs(t.upper));
  const double far = std::max(std::abs(t.lower), std::abs(t.upper));
  return {mul_down(height, bell(far).lower), mul_up(height, std::min(0.25, bell(near).upper))};
}

/// Slope 1 inside (-half, half), 0 outside.
Interval ramp_slopes(const Interval& t, double half) {
  return {t.lower >= -half && t.upper <= half ? 1.0 : 0.0, t.upper > -half && t.lower < half ? 1.0 : 0.0};
}

/// Slope `negative` below 0 and 1 above.
Interval hinge_slopes(const Interval& t, double negative) {
  if (t.lower >= 0) return {1, 1};
  if (t.upper <= 0) return {negative, negative};
  return {std::min(negative, 1.0), std::max(negative, 1.0)};
}

Interval elu_slopes(const Interval& t, double alpha) {
  if (t.lower >= 0) return {1, 1};
  const double lowest = alpha * std::exp(t.lower) * (1 - (std::min(-t.lower, 800.0) + 8) * 2 * unit_roundoff);
  const double high = t.upper >= 0 ? alpha : alpha * std::exp(t.upper) * (1 + (8 - t.upper) * 2 * unit_roundoff);
  const double highest = std::min(alpha, high + 0x1p-1000);
  return t.upper >= 0 ? Interval{std::min(lowest, 1.0), std::max(highest, 1.0)} : Interval{lowest, highest};
}

/// phi' / gain over t = gain * s.
Interval unit_slopes(const Activation& phi, const Interval& t) {
  switch (phi.kind()) {
    case Kind::logistic: return bell_slopes(t, 1);
    case Kind::tanh: return bell_slopes({2 * t.lower, 2 * t.upper}, 4);
    case Kind::relu: return hinge_slopes(t, 0);
    case Kind::leaky_relu: return hinge_slopes(t, phi.slope());
    case Kind::hard_tanh: return ramp_slopes(t, 1);
    case Kind::clip: return ramp_slopes(t, 0.5);
    case Kind::elu: return elu_slopes(t, phi.slope());
    case Kind::softplus: {
      const Activation logistic("logistic");
      return {below(logistic, t.lower), above(logistic, t.upper)};
    }
    case Kind::identity: return {1, 1};
  }
  return {0, 1};
}

}  // namespace

Interval local_slopes(const Activation& phi, const Interval& range) {
  const Interval t{mul_down(phi.gain(), range.lower), mul_up(phi.gain(), range.upper)};
  const Interval slopes = unit_slopes(phi, t);
  return {mul_down(phi.gain(), std::max(0.0, slopes.lower)), mul_up(phi.gain(), slopes.upper)};
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
    const Activation& phi = net.activation(l);
    ranges.lower[at] = ranges.pre_lower[at].unaryExpr([&](double s) { return below(phi, s); });
    ranges.upper[at] = ranges.pre_upper[at].unaryExpr([&](double s) { return above(phi, s); });
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
  }
  return ranges;
}

}  // namespace withstand
