// SPDX-License-Identifier: MIT
// The bounds that go forward neuron by neuron and select the worst failures for every receiver (docs/theory.md): the
// matrix recursion, and signed intervals of the deviation with local slopes, over boxes with the help of intervals of
// the faulty values. Because the selection is per receiver they also hold when every receiver misses other signals.
#include <algorithm>
#include <cmath>

#include "failure/effects.hpp"
#include "bounds/methods.hpp"
#include "bounds/reception.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds {
namespace {

/// Intervals of the faulty pre-activations of correct neurons: interval propagation with a cardinality constraint.
struct FaultyRanges {
  Vector lower, upper;
};

/// slope * eta over both intervals, where either may have both signs, and not more than the modulus of continuity.
double most_product(const Activation& phi, const Interval& slope, const Interval& eta) {
  const double left = std::max(mul_up(slope.lower, eta.lower), mul_up(slope.upper, eta.lower));
  const double right = std::max(mul_up(slope.lower, eta.upper), mul_up(slope.upper, eta.upper));
  const double moved = modulus_above(phi, std::max(std::abs(eta.lower), std::abs(eta.upper)));
  return std::min(std::max(left, right), moved);
}

double least_product(const Activation& phi, const Interval& slope, const Interval& eta) {
  return -most_product(phi, {-slope.upper, -slope.lower}, eta);
}

/// Deviation of a neuron that does not fail, from that of its pre-activation. `nominal` and `faulty` are the ranges of
/// its pre-activation without and with failures; the secant slope lies between the local slopes on their hull.
Interval respond(const Activation& phi, Interval eta, const Interval& nominal, const Interval& faulty) {
  eta.upper = std::min(eta.upper, sub_up(faulty.upper, nominal.lower));
  eta.lower = std::max(eta.lower, sub_down(faulty.lower, nominal.upper));
  const double low = std::max(add_down(nominal.lower, eta.lower), faulty.lower);
  const double high = std::min(add_up(nominal.upper, eta.upper), faulty.upper);
  const Interval slope = local_slopes(phi, {std::min(nominal.lower, low), std::max(nominal.upper, high)});
  const Interval before = values_over(phi, nominal), after = values_over(phi, {low, high});
  const double rise = sub_up(after.upper, before.lower), fall = sub_down(after.lower, before.upper);
  if (slope.lower < 0) return {std::max(least_product(phi, slope, eta), fall), std::min(most_product(phi, slope, eta), rise)};
  Interval delta;
  delta.upper = eta.upper < 0 ? mul_up(slope.lower, eta.upper)
                              : std::min(mul_up(slope.upper, eta.upper), modulus_above(phi, eta.upper));
  delta.lower = eta.lower > 0 ? mul_down(slope.lower, eta.lower)
                              : std::max(mul_down(slope.upper, eta.lower), -modulus_above(phi, -eta.lower));
  return {std::max(delta.lower, fall), std::min(delta.upper, rise)};
}

class Forward {
 public:
  Forward(const Network& net, const Space& space, const Nominal& nominal, bool boxes)
      : net_(net), space_(space), nominal_(nominal), boxes_(boxes) {
    deviations_.lower = deviations_.upper = Vector::Zero(net.inputs());
    deviations_.failing = failing(space, 0, nominal, false);
    if (!boxes) return;
    values_ = {nominal.lower[0], nominal.upper[0], failing(space, 0, nominal, true), true};
  }

  /// Deviations (and, over boxes, values) of layer l from those of layer l - 1.
  void step(Index l) {
    const FaultyRanges faulty = boxes_ ? faulty_ranges(l) : FaultyRanges{};
    Reception reception(net_, space_, l, nominal_, deviations_);
    const Activation& phi = net_.activation(l);
    const double noisy = noise(space_, l);
    Carried next{Vector(net_.width(l)), Vector(net_.width(l)), failing(space_, l, nominal_, false), false};
    Carried values{Vector(net_.width(l)), Vector(net_.width(l)), {}, true};
    for (Index j = 0; j < net_.own(l); ++j) {
      const Interval range = boxes_ ? Interval{faulty.lower(j), faulty.upper(j)} : Interval{-infinity, infinity};
      const Interval delta = respond(phi, reception.of(j), nominal_.pre(l, j), range);
      next.lower(j) = sub_down(delta.lower, noisy);
      next.upper(j) = add_up(delta.upper, noisy);
      const Interval post = nominal_.post(l, j);
      const Interval sent = values_over(phi, range);
      values.lower(j) = sub_down(std::max(sent.lower, add_down(post.lower, delta.lower)), noisy);
      values.upper(j) = add_up(std::min(sent.upper, add_up(post.upper, delta.upper)), noisy);
    }
    hand_on(net_, l, deviations_, next);
    deviations_ = std::move(next);
    if (!boxes_) return;
    values.failing = failing(space_, l, nominal_, true);
    hand_on(net_, l, values_, values);
    values_ = std::move(values);
  }

  /// Deviations of the outputs' pre-activations.
  std::vector<double> finish(const std::vector<Target>& targets) const {
    const Index last = net_.layers();
    const FaultyRanges faulty = boxes_ ? faulty_ranges(last) : FaultyRanges{};
    Reception reception(net_, space_, last, nominal_, deviations_);
    const auto single = [&](Index k) {
      Interval eta = reception.of(k);
      if (!boxes_) return eta;
      eta.upper = std::min(eta.upper, sub_up(faulty.upper(k), nominal_.pre(last, k).lower));
      eta.lower = std::max(eta.lower, sub_down(faulty.lower(k), nominal_.pre(last, k).upper));
      return eta;
    };
    std::vector<double> found;
    for (const Target& target : targets) {
      const Interval plus = single(target.plus);
      double value = magnitude(plus);
      if (target.is_difference()) {
        value = sub_up(plus.upper, single(target.minus).lower);
        if (!equivocal(space_)) value = std::min(value, reception.difference(target.plus, target.minus));
      }
      found.push_back(value);
    }
    return found;
  }

 private:
  FaultyRanges faulty_ranges(Index l) const {
    Reception reception(net_, space_, l, nominal_, values_);
    FaultyRanges ranges{Vector(net_.own(l)), Vector(net_.own(l))};
    for (Index j = 0; j < net_.own(l); ++j) {
      const Interval sum = reception.of(j);
      ranges.lower(j) = add_down(sum.lower, net_.bias(l)(j));
      ranges.upper(j) = add_up(sum.upper, net_.bias(l)(j));
    }
    return ranges;
  }

  const Network& net_;
  const Space& space_;
  const Nominal& nominal_;
  bool boxes_;
  Carried deviations_;
  Carried values_;
};

/// The matrix recursion: the same with symmetric intervals and without local slopes.
Carried symmetric(const Space& space, const Nominal& nominal, Index l, const Vector& largest) {
  Carried carried{-largest, largest, failing(space, l, nominal, false), false};
  for (Carried::Failing& f : carried.failing) {
    f.upper = f.upper.cwiseAbs().cwiseMax(f.lower.cwiseAbs());
    f.lower = -f.upper;
  }
  return carried;
}

bool is_box(const Nominal& nominal) { return nominal.propagated && nominal.lower[0] != nominal.upper[0]; }

}  // namespace

std::vector<double> signed_bound(const Network& net, const Space& space, const Nominal& nominal,
                                 const std::vector<Target>& targets) {
  Forward forward(net, space, nominal, is_box(nominal));
  for (Index l = 1; l <= net.depth(); ++l) forward.step(l);
  return forward.finish(targets);
}

std::vector<double> matrix_bound(const Network& net, const Space& space, const Nominal& nominal,
                                 const std::vector<Target>& targets) {
  Carried carried = symmetric(space, nominal, 0, Vector::Zero(net.inputs()));
  for (Index l = 1; l <= net.depth(); ++l) {
    Vector largest = Vector::Zero(net.width(l));
    Reception reception(net, space, l, nominal, carried);
    for (Index j = 0; j < net.own(l); ++j)
      largest(j) = add_up(modulus_above(net.activation(l), magnitude(reception.of(j))), noise(space, l));
    Carried next = symmetric(space, nominal, l, largest);
    hand_on(net, l, carried, next);
    carried = std::move(next);
  }
  Reception reception(net, space, net.layers(), nominal, carried);
  std::vector<double> found;
  for (const Target& target : targets) {
    if (!target.is_difference()) found.push_back(magnitude(reception.of(target.plus)));
    else if (equivocal(space))
      found.push_back(add_up(magnitude(reception.of(target.plus)), magnitude(reception.of(target.minus))));
    else found.push_back(reception.difference(target.plus, target.minus));
  }
  return found;
}

}  // namespace withstand::bounds
