// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace withstand {

struct Shape;

/// A continuous, nondecreasing piecewise-linear function as data: slope[k] t + intercept[k] left of corner[k], the last
/// piece beyond. Unused corners are infinite. A ramp, flat on both sides, is min(high, max(low, slope t + at_zero)): that
/// defines it, and its corners may be rounded.
struct Pieces {
  int corners = 0;
  double corner[2];
  double slope[3];
  double intercept[3];
  bool ramp = false;
  double rounded = 0;  ///< by how much a corner may be off

  /// From the corners in increasing order, the slopes of the pieces, one more, and the value at 0.
  /// Throws std::logic_error for slopes below 0 and for more than two corners.
  Pieces(const std::vector<double>& at, const std::vector<double>& slopes, double at_zero);
  static Pieces clamped(double low, double high, double slope, double at_zero);

  /// The piece of an argument; a corner belongs to the piece on its right.
  int piece(double t) const { return static_cast<int>(t >= corner[0]) + static_cast<int>(t >= corner[1]); }
  double operator()(double t) const {
    const int k = ramp ? 1 : piece(t);
    if (slope[k] == 0) return std::isnan(t) ? t : intercept[k];
    const double line = slope[k] * t, value = intercept[k] == 0 ? line : line + intercept[k];
    return ramp ? clamp(value) : value;
  }
  double clamp(double value) const {
    return value < intercept[0] ? intercept[0] : value > intercept[2] ? intercept[2] : value;
  }
  double steepest() const;
};

/// An activation s -> phi(gain * s), with the facts the bounds need about it. They derive from one Shape per activation
/// (cpp/src/activation), which nothing outside switches over.
class Activation {
 public:
  /// `slope` is the parameter of an activation that has one: leaky_relu's negative slope (default 0.01), elu's alpha
  /// (default 1). Throws std::invalid_argument for an unknown name, a gain that is not positive and finite, or a negative
  /// slope.
  explicit Activation(const std::string& name, double gain = 1.0,
                      double slope = std::numeric_limits<double>::quiet_NaN());

  std::string name() const;
  double gain() const { return gain_; }
  /// NaN where the activation has none.
  double slope() const { return slope_; }
  bool has_slope() const { return !std::isnan(slope_); }

  double operator()(double s) const;
  /// Apply in place to n contiguous values.
  void apply(double* s, long n) const;

  double lipschitz() const;             ///< K: gain * Lip(phi)
  double infimum() const;               ///< inf phi, may be -infinity
  double supremum() const;              ///< sup phi, may be +infinity
  double range() const { return supremum() - infimum(); }  ///< R, the length of the range
  double magnitude() const;             ///< sup |phi|
  /// Modulus of continuity: sup over s of |phi(s + eta) - phi(s)|, eta >= 0; rounded up where it is not exact.
  double modulus(double eta) const;
  bool piecewise_linear() const { return !smooth_; }
  bool nondecreasing() const { return nondecreasing_; }
  bool identity() const { return identity_; }      ///< phi(t) = t, whatever the gain
  bool rectifier() const { return rectifier_; }    ///< phi(t) = max(t, 0), whatever the gain

  /// phi at gain 1: its data where it is piecewise linear, and what it is otherwise.
  const Pieces& pieces() const { return pieces_; }
  const Shape& shape() const { return *shape_; }

  bool operator==(const Activation& other) const;

 private:
  const Shape* shape_;
  double gain_;
  double slope_;
  Pieces pieces_;
  bool smooth_, nondecreasing_, identity_, rectifier_;
};

/// What a caller may ask about an activation before making one.
struct ActivationFacts {
  std::string name;
  double default_slope;  ///< NaN where it has none
  bool piecewise_linear, nondecreasing;
};
std::vector<ActivationFacts> known_activations();

}  // namespace withstand
