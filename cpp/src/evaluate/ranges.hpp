// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "core/index.hpp"
#include "core/interval.hpp"
#include "withstand/domain.hpp"
#include "withstand/network.hpp"

namespace withstand {

/// phi(s) from above and from below: libm results are widened by 4 units in the last place, the range is respected.
double above(const Activation& activation, double s);
double below(const Activation& activation, double s);
/// [min, max] of phi over a range, rounded outward: at its ends where phi is nondecreasing, else also where phi turns.
Interval values_over(const Activation& activation, const Interval& range);
/// The modulus of continuity, and the Lipschitz bound K eta where that is smaller.
double modulus_above(const Activation& activation, double eta);

/// The largest |phi(s)| for |s| up to `largest`, but for rounding: passes over magnitudes leave room for that.
double largest_image(const Activation& activation, double largest);
/// |W| y + |b| of a layer: the largest sums that signals of these magnitudes make, but for rounding; what sums round by.
Vector largest_sums(const Network& network, Index layer, ConstVectorRef magnitudes);

/// [inf, sup] of phi' over a range of pre-activations, rounded outward; not below 0 where phi is nondecreasing.
Interval local_slopes(const Activation& activation, const Interval& range);

/// What every pre-activation and every transmitted value can be in a fault-free execution, for all inputs of one row
/// of a domain; layers 0..L+1 (there is no pre-activation in layer 0). Rigorous in floating point.
struct Nominal {
  std::vector<Vector> pre_lower, pre_upper;  ///< s^(l)
  std::vector<Vector> lower, upper;          ///< y^(l)
  bool propagated = false;                   ///< from a domain, not from the activations alone

  Interval post(Index layer, Index i) const { return {lower[at(layer)](i), upper[at(layer)](i)}; }
  Interval pre(Index layer, Index i) const { return {pre_lower[at(layer)](i), pre_upper[at(layer)](i)}; }
  /// Hull of the transmitted values of the first neurons of a layer.
  Interval layer(Index l, Index count) const {
    return {lower[at(l)].head(count).minCoeff(), upper[at(l)].head(count).maxCoeff()};
  }

 private:
};

/// Interval propagation from the box lower <= x <= upper.
Nominal propagate(const Network& network, ConstVectorRef lower, ConstVectorRef upper);

/// The activations' own ranges, for every input whatsoever.
Nominal unrestricted(const Network& network);

/// Nominal of a linear functional row * y + offset over the box of y, rounded outward; `norm` bounds the row's
/// Euclidean norm from above.
Interval affine_range(const double* row, Index n, double offset, const Vector& lower, const Vector& upper);

}  // namespace withstand
