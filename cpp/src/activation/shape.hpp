// SPDX-License-Identifier: MIT
#pragma once

#include <initializer_list>

#include "core/interval.hpp"
#include "withstand/activation.hpp"

// An activation is one row of a table (table.cpp): a piecewise-linear one is its corners and slopes, a smooth one has a
// file of its own that fills in a Smooth. Everything else (ranges, moduli, slopes, lines, hinges, kinks) derives from these.
namespace withstand {

/// A few arguments t in increasing order.
struct Arguments {
  double at[2];
  int count = 0;
  const double* begin() const { return at; }
  const double* end() const { return at + count; }
};
constexpr Arguments nowhere{{0, 0}, 0};

/// A smooth function of t = gain * s; `a` is the activation's slope, NaN where it has none. phi may bend at kinks. Between
/// kinks and inflections phi' is monotone, and between stationary points phi is. Optional members are null: what they
/// would say derives from the others.
struct Smooth {
  double (*value)(double a, double t);  ///< to a few units in the last place of itself; also at infinite t
  /// factor * phi'(t), up to a few roundings; at a kink the left one.
  double (*derivative)(double factor, double a, double t);
  double (*lipschitz)(double a);
  double (*infimum)(double a);
  double (*supremum)(double a);
  Arguments kinks, inflections;
  Arguments stationary;         ///< where phi turns: none where it is nondecreasing
  /// The size of what is added up in phi, whose rounding is not relative to phi itself.
  double (*scale)(double a);
  bool keeps_sign = false;   ///< values at t <= 0 are widened to 0 at most

  double (*modulus)(double a, double gain, double eta) = nullptr;    ///< optional; rounded up
  Interval (*slopes)(double a, const Interval& t) = nullptr;         ///< optional; of phi', rounded outward
  /// Optional closed form: writes the at most four t with phi'(t) = slope, up to rounding, and returns how many.
  int (*touching)(double a, double slope, double* t) = nullptr;
};

/// A row of the table. One of `pieces` and `smooth` is null.
struct Shape {
  /// The number of its variant in kernels/activate.inl, or `by_value`: without one, vectors are computed entry by entry.
  static constexpr int by_value = -1;

  const char* name;
  double default_slope;  ///< NaN: it takes none
  Pieces (*pieces)(double a);
  const Smooth* smooth;
  int kernel = by_value;
  bool relative = false;  ///< that variant's values too are good to a few units in the last place of themselves
};

/// Throws std::invalid_argument for an unknown name.
const Shape& shape_named(const std::string& name);
const std::vector<Shape>& shapes();

}  // namespace withstand
