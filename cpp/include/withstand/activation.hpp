// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <string>

namespace withstand {

/// A nondecreasing activation s -> phi(gain * s), with the facts the bounds need about it.
class Activation {
 public:
  enum class Kind { logistic, tanh, relu, leaky_relu, hard_tanh, clip, elu, softplus, identity };

  /// `slope` is leaky_relu's negative slope (default 0.01) and elu's alpha (default 1); other activations have none.
  /// Throws std::invalid_argument for an unknown name, a gain that is not positive and finite, or a negative slope.
  explicit Activation(const std::string& name, double gain = 1.0,
                      double slope = std::numeric_limits<double>::quiet_NaN());

  Kind kind() const { return kind_; }
  std::string name() const;
  double gain() const { return gain_; }
  /// NaN where the activation has none.
  double slope() const { return slope_; }

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
  bool piecewise_linear() const;

  bool operator==(const Activation& other) const;

 private:
  Kind kind_;
  double gain_;
  double slope_;
};

}  // namespace withstand
