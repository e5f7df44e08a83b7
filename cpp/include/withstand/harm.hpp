// SPDX-License-Identifier: MIT
#pragma once

#include "withstand/forward.hpp"
#include "withstand/network.hpp"

namespace withstand {

/// What counts as harm: the error of every output, or the harm to the decision (the largest output, the first of
/// equals): max over j != c of F_j - F_c in the failed network, c the class of the intact one; it flips where >= 0.
enum class Goal { error, argmax };

/// The harm of faulty outputs at one input, measured after the output activation psi.
///
/// Harm is also a maximum over a few *objectives* o: gauge(o, t) nondecreasing in t = rows().row(o) . z, where z is the
/// output layer's pre-activation. That is what selection in the last hidden layer maximises.
class Harm {
 public:
  /// Throws std::invalid_argument for Goal::argmax on a network with a single output.
  Harm(const Network& network, ConstVectorRef input, Goal goal);

  double operator()(const Vector& outputs) const { return at(outputs.data(), worst(outputs)); }
  /// Harm of output pre-activations; `z` has as many entries as the network has outputs.
  double of_pre(const double* z) const;
  /// The output where the harm is attained, the first of equals.
  Index worst(const Vector& outputs) const;

  /// Whether harm is the maximum of the objectives: for errors where the output activation is nondecreasing, for flips
  /// only without one.
  bool by_objectives() const { return linear_ || (goal_ == Goal::error && psi_.nondecreasing()); }
  const Matrix& rows() const { return rows_; }  ///< one objective per row, m columns
  double gauge(Index objective, double t) const;
  Goal goal() const { return goal_; }
  const Vector& nominal() const { return nominal_; }  ///< F, after the output activation
  Index chosen() const { return class_; }             ///< c, the intact network's class (first of equals)

 private:
  double at(const double* values, Index output) const;

  Goal goal_;
  Activation psi_;
  bool linear_;
  Vector nominal_;
  Index class_ = 0;
  Matrix rows_;
};

/// The harm of one execution, and the output where it is attained.
struct Replay {
  double harm = 0;
  Index output = 0;
};
Replay replay(const Network& network, ConstVectorRef input, const std::vector<Forced>& forced, Goal goal);

}  // namespace withstand
