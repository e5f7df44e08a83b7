// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "walk.hpp"

namespace withstand::enumerate {

/// The outputs by how far what one neuron sends has moved, in one direction: linear between two knots.
struct Curve {
  std::vector<double> at;       ///< distances of the knots, in order; the first is 0
  std::vector<double> outputs;  ///< of each, all outputs

  /// Outputs at a distance, `ld` apart.
  void look_up(double distance, double* out, Index ld) const;
};

/// Follows curves through a chain whose activations behind a neuron are piecewise linear. Until some signal before a layer
/// bends its sums move in proportion to the distance; a neuron bends where its sum meets a corner, and turns all sums of
/// the next layer. So every layer goes on by itself up to where the one before turns it.
class CurveFollower {
 public:
  explicit CurveFollower(const Network& network);

  /// From what a neuron sends at the input of the walk, in direction +1 or -1, to a distance.
  void follow(const Walk& walk, Index layer, Index neuron, double direction, double end, Curve& curve);

 private:
  struct Bend {
    double at;
    Index neuron;
    double change;  // of the rate of its signal
  };
  struct Layer {
    double at = 0;               // how far it has gone
    Vector sums, rates;          // there; what a sum moves by, per distance
    std::vector<int> piece;      // of each neuron, and the ends and the slope of that piece
    Vector lower, upper, slope;
    std::vector<Bend> bends;     // on the way to where it goes
    Vector next, change, column; // scratch
  };

  Layer& at(Index layer) { return layers_[static_cast<std::size_t>(layer)]; }
  void begin(const Walk& walk, Index layer);
  void enter(Index layer, Index neuron, int piece);
  void go(Index layer, double to);
  void bend(Index layer, Index neuron, double to);
  void turn(Index layer, const Bend& before);
  void turn_all(Index layer, double at, const Vector& signals);
  void pass_on(Index layer);
  void record();

  const Network& net_;
  std::vector<Layer> layers_;
  Curve* curve_ = nullptr;
};

}  // namespace withstand::enumerate
