// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

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
  /// Outputs of n configurations of that run: a row of the block per output.
  void outputs(std::size_t first, Index n, double* block, Index ld);

 private:
  struct Path {
    Curve down, up;
    HarmCurve harm;
    double bytes() const { return harm.bytes() + 8.0 * static_cast<double>(up.outputs.size() + down.outputs.size()); }
  };

  bool pays(Index layer, std::uint64_t configurations) const;
  const Path& path(Index receiver);
  void make(Index receiver, Path& path);

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
  const Path* path_ = nullptr;   // of the run at hand

  // Of the layer that they are for, by input and receiver, as long as there is room: then one at a time.
  Index kept_layer_ = -1;
  std::vector<std::unique_ptr<const Path>> kept_;
  double kept_bytes_ = 0;
  std::unique_ptr<const Path> passing_;
  Curve made_;
};

}  // namespace withstand::enumerate
