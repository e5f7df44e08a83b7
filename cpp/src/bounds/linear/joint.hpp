// SPDX-License-Identifier: MIT
#pragma once

#include "bounds/linear/relaxation.hpp"

// Over a box, once all failures are decided: bounds of F̂ - F from both executions at once. A row has coefficients a on
// the deviations ŷ - y and b on the intact signals y. For every neuron either the deviation and the intact signal are
// relaxed, a δ + b y, or the faulty and the intact signal, a φ(ŝ) + (b - a) φ(s), whichever is lower in the middle; a
// failed neuron that sends v leaves a v + (b - a) y. All lines end at the same inputs, where what both executions share
// cancels. The difference form alone forgets there which input made a deviation large.
namespace withstand::bounds::linear {

class Joint {
 public:
  /// Whether it applies: nothing is left to fail, no synapse is involved and nothing is noisy.
  static bool applies(const Prepared& prepared, const Restriction& restriction);

  Joint(const Prepared& prepared, const Restriction& restriction, LinearRanges& ranges);

  /// Upper bounds of rows over the output pre-activations' deviation. Tightens the ranges of the hidden layers.
  Vector objectives(const ConstMatrixRef& rows);

 private:
  /// What is known of the neurons of one layer.
  struct Lines {
    std::vector<Response> difference, faulty, intact;
    Vector deviation_middle, intact_middle;
    Vector scale;                      ///< nothing a coefficient 1 is multiplied by, or adds, is larger
    Vector deviation_sum, intact_sum;  ///< of the next layer's carriers: |W| |δ|, |W| |y| + |b|
  };
  /// One row on its way down.
  struct Coefficients {
    double deviation = 0, intact = 0, constant = 0;
  };

  void relax(Index l);
  Interval implied(Index l, Index i, Interval faulty, Interval deviation);
  void scale(Index l);
  void tighten(Index l);
  Index together(Index l) const;
  Vector descend(Index l, Matrix deviation);
  void cross(Index l, Index i, Coefficients& c) const;
  void fail(Index l, Index i, Coefficients& c) const;

  const Prepared& given_;
  const Restriction& restriction_;
  LinearRanges& ranges_;
  std::vector<LayerRange> pre_, post_;       ///< of the intact network, under the pieces that are decided
  std::vector<Lines> layers_;                ///< 0..L
  std::vector<std::vector<Index>> failures_; ///< [layer][neuron]: index of its failure, or -1
};

}  // namespace withstand::bounds::linear
