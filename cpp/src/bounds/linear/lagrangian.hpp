// SPDX-License-Identifier: MIT
#pragma once

#include "bounds/linear/corners.hpp"
#include "bounds/linear/relaxation.hpp"
#include "withstand/decided.hpp"

namespace withstand::bounds::linear {

/// Coefficients on the carriers of layer `top` in both executions, and the multipliers of the layers before it.
struct Multiplied {
  struct Layer {
    Vector alpha, beta;
    Vector eta, s, delta, y;  ///< mixtures of corners where the maxima are attained, as Newton's method knows them
  };
  Index top = 0;
  Vector alpha, beta;
  std::vector<Layer> layers;  ///< 0 .. top - 1; inputs have no multipliers
};

/// Cuts an entry of a range; whether it became narrower.
inline bool narrow(LayerRange& range, Index i, double lower, double upper) {
  const bool narrower = lower > range.lower(i) || upper < range.upper(i);
  range.lower(i) = std::max(range.lower(i), lower);
  range.upper(i) = std::min(range.upper(i), upper);
  return narrower;
}

/// a = Wᵀα.
void hand_down(const Affine& map, const Vector& alpha, Vector& a);

/// The function of the multipliers (see withstand/decided.hpp) for one restriction, layer by layer.
class Lagrangian {
 public:
  /// What the neurons of a layer can do.
  struct Level {
    std::vector<Corner> corners;
    std::vector<std::size_t> first;  ///< of each neuron's, and the number of all
    std::vector<Index> failure;      ///< index of a neuron's failure, or -1
    Vector deviation_scale, intact_scale;  ///< the largest numbers that go into what coefficients are multiplied by
    Vector deviation_sum, intact_sum;      ///< of the next layer's carriers: |W| |δ|, |W| |y| + |b|
    double deviation_lost = 0, intact_lost = 0;  ///< below the normal range
    bool finite = true;
  };

  /// `state` holds ranges, which become tighter.
  Lagrangian(const Prepared& prepared, const Restriction& restriction, DecidedState& state);

  /// Better ranges of layer l from the layers before it, with so many Newton steps for each; of the intact network too.
  void tighten(Index l, bool intact, int steps);
  /// The corners of layer l, once its ranges are known; false: no input is left.
  bool enter(Index l);

  Multiplied row(Index top, Vector alpha, Vector beta) const;
  /// Upper bound of the row, rounded up; with the multipliers that it has, or with those that lines give (`fresh`).
  double evaluate(Multiplied& row, bool fresh) const;

  const Level& level(Index l) const { return levels_[at(l)]; }
  bool deviates(Index l, Index i) const { return state_.deviation[at(l)].lower(i) < state_.deviation[at(l)].upper(i); }
  const Network& network() const { return given_.net; }

 private:
  void fail(Index l, Index i, std::size_t first);
  void scale(Index l);
  void lines(Index l, Index i, double a, double b, Multiplied::Layer& layer) const;
  double largest(const Level& level, Index i, double a, double b, double alpha, double beta) const;
  double most(Index l, Index j, double alpha, double beta, int steps) const;

  const Prepared& given_;
  const Restriction& restriction_;
  DecidedState& state_;
  std::vector<Level> levels_;  ///< 0..L
};

}  // namespace withstand::bounds::linear
