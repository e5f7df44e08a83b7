// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <vector>

#include "bounds/linear/lagrangian.hpp"

namespace withstand::bounds::linear {

/// Newton's method on a smooth function of the multipliers, in which every maximum over K corners is τ log sum exp(h / τ):
/// at most τ log K larger. The gradient is by how much what mixtures of corners send differs from what the mixtures of the
/// next layer receive; the curvature comes from the corners' covariances, and only neighbouring layers have any in common.
class Newton {
 public:
  Newton(const Lagrangian& lagrangian, Multiplied& row);

  /// One damped step at temperature τ; false where there is none.
  bool step(double temperature);
  /// The mixtures of the multipliers as they are.
  void mix(double temperature) { value(temperature, true); }
  /// Value of the mixtures. Where the gradient is 0 no multipliers give less.
  double mixed() const { return mixed_; }
  /// Twice what the last step was to gain.
  double decrement() const { return decrement_; }

 private:
  using Covariance = std::array<double, 10>;  ///< of (δ, y, -η, -s): the upper triangle by rows
  struct Level {
    std::vector<Index> alpha, beta;  ///< variable of each neuron, or -1
    std::vector<Covariance> covariance;
  };

  double value(double temperature, bool curved);
  double mix(Index l, Index i, const double* coefficients, double temperature, bool curved);
  void differentiate(double temperature);
  void differentiate(Index l);
  void couple(Index row, Index column, double value);
  void move(double share);

  const Lagrangian& of_;
  Multiplied& row_;
  std::vector<Level> levels_;
  Index variables_ = 0;
  double mixed_ = 0, decrement_ = 0;
  Matrix hessian_;
  Vector gradient_, direction_;
};

/// Better multipliers than those that gave `bound`, in at most so many steps; returns their bound. One that is at most
/// `enough` needs no better ones, and where none would come near it, the steps end as well.
double sharpen(const Lagrangian& lagrangian, Multiplied& row, double bound, double enough, int steps);

}  // namespace withstand::bounds::linear
