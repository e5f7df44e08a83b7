// SPDX-License-Identifier: MIT
#pragma once

#include "harm_curve.hpp"

namespace withstand::enumerate {

/// One failed parameter of a chain of matrices with piecewise-linear activations behind its receiver: it moves one sum, by
/// the change of the weight times a signal, and so what the receiver sends. All failures of a receiver's parameters look
/// their harm up on one curve.
class SingleParameters {
 public:
  explicit SingleParameters(const Problem& problem);

  /// Whether the configurations of a class are such, and many enough for curves to pay.
  bool applies(const Grid::Class& cls) const;
  /// The configurations of a batch, by what their parameters change.
  void begin(const Grid::Batch& batch);
  std::size_t size() const { return change_.size(); }
  /// At the input of the walk.
  void begin_input(const Walk& walk);

  /// Configurations that follow each other and are of parameters of one receiver.
  std::size_t runs() const { return ends_.size(); }
  std::size_t begin_of(std::size_t run) const { return run == 0 ? 0 : ends_[run - 1]; }
  std::size_t end_of(std::size_t run) const { return ends_[run]; }
  /// Harms of a run, which have room for a vector more; returns the largest.
  double harms(std::size_t run, double* harms);
  /// Outputs of n configurations of a run from `first` on: a row of the block per output. Few runs are asked for theirs.
  void outputs(std::size_t run, std::size_t first, Index n, double* block, Index ld);

 private:
  /// The harm of a receiver, from a place of the store on.
  struct Path {
    std::size_t first = 0, pieces = 0;  // no pieces: not made
  };

  bool pays(Index layer, std::uint64_t configurations) const;
  Path path(Index receiver);
  void follow(Index receiver);

  const Problem& problem_;
  const Network& net_;
  const Grid& grid_;
  CurveFollower follower_;
  const Walk* walk_ = nullptr;

  Index layer_ = 0;
  std::vector<int> from_;        // of every configuration; biases are from behind the senders
  std::vector<double> change_;
  std::vector<Index> receiver_;  // of every run, and
  std::vector<std::size_t> ends_;
  Vector signals_;               // what parameters of the layer meet: senders, then 1
  std::vector<double> moved_;    // what receivers send more in every configuration
  // Of the layer that they are for, by input and receiver, as long as there is room: then one at a time, behind them.
  Index kept_layer_ = -1;
  std::vector<Path> kept_;
  std::vector<double> store_;
  std::size_t kept_size_ = 0;
  Index followed_ = -1;  // the receiver, at the input of the walk,
  Curve down_, up_;      // whose outputs these are
  HarmCurve harm_;
};

}  // namespace withstand::enumerate
