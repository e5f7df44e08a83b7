// SPDX-License-Identifier: MIT
#pragma once

#include "walk.hpp"

namespace withstand::enumerate {

/// One failed parameter of a chain of matrices with piecewise-linear tails: it moves one sum, by the change of the weight times
/// a signal, and so the outputs along a line, as long as nothing behind it leaves its piece.
///
/// A receiver of the outputs or of the last hidden layer moves them in proportion. One layer before, the outputs are a
/// piecewise-linear function of what the receiver sends, a curve with a bend for every corner of the last hidden layer; flips
/// of all weights of a receiver look up the same curve. Receivers further in front are left to others.
class SingleParameters {
 public:
  explicit SingleParameters(const Problem& problem);

  /// Whether the configurations of a class are such.
  bool applies(const Grid::Class& cls) const;
  /// The configurations of a batch, by what their parameters change.
  void begin(const Grid::Batch& batch);
  std::uint64_t size() const { return change_.size(); }
  /// At the input of the walk.
  void begin_input(const Walk& walk);
  /// Outputs of n configurations from `first` on: a row of the block per output.
  void run(std::uint64_t first, Index n, double* block, Index ld);

 private:
  /// The outputs by what a receiver sends more: from `start` of every piece on, value + slope * distance.
  struct Curve {
    bool known = false;
    std::vector<double> up, down;              // where pieces begin, away from 0: in each direction the first at 0
    std::vector<double> up_lines, down_lines;  // of each piece: values, then slopes, of all outputs
  };

  void bend(Index receiver, Curve& curve) const;
  void follow(Index receiver, double sign, std::vector<double>& starts, std::vector<double>& lines) const;
  void along(Index receiver, Index n, const double* sent, double* block, Index ld);

  const Problem& problem_;
  const Network& net_;
  const Grid& grid_;
  Index layer_ = 0;
  std::vector<int> to_, from_;   // of every configuration; from -1: a bias
  std::vector<double> change_;
  const Walk* walk_ = nullptr;
  Matrix outgoing_;              // weights into the outputs, a row per sender
  // Of the receivers, per input, or of the one at hand where those of all take much memory; of the layer that they are for.
  std::vector<std::vector<Curve>> curves_;
  Index curved_ = -1;
  std::vector<double> moved_;    // scratch: what a receiver's sums, then its signals, change by
};

}  // namespace withstand::enumerate
