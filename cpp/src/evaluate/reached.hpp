// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "core/index.hpp"
#include "withstand/network.hpp"

namespace withstand {

/// An execution that others differ from in a few signals: they are followed layer by layer to where they lead, and nothing
/// else is computed. A signal that changes nothing (what a relu hides) is followed no further.
class Reached {
 public:
  explicit Reached(const Network& network);

  /// Start from this execution: pre-activations of layers 1.., signals of layers 0...
  void start(const std::vector<Vector>& pre, const std::vector<Vector>& post);
  double signal(Index layer, Index neuron) const { return post_[at(layer)](neuron); }
  const Vector& signals(Index layer) const { return post_[at(layer)]; }
  const Vector& pre(Index layer) const { return pre_[at(layer)]; }
  const std::vector<Vector>& pre() const { return pre_; }
  const Vector& outputs() const { return post_.back(); }

  /// The outputs when a neuron sends so much instead: `outputs()` with what is reached replaced, a column of this stride.
  void run(Index layer, Index neuron, double sent, double* column, Index stride);
  /// Of the last `run` or `commit`: how far it led, and what it changed in the pre-activations of a layer up to there, behind the
  /// signal's own.
  Index led_to() const { return led_to_; }
  const Few& sums(Index layer) const { return sums_[at(layer)]; }
  /// Take the change in: executions start from there until `undo`.
  void commit(Index layer, Index neuron, double sent);
  /// Back to the execution that was given.
  void undo();

 private:
  struct Kept {
    Index layer, neuron;
    double pre, post;
  };
  bool follow(Index layer);

  const Network& net_;
  std::vector<Vector> pre_, post_;
  std::vector<Few> changes_;   // of the signals of every layer
  std::vector<Few> sums_;      // of the pre-activations of every layer
  std::vector<Kept> kept_;
  Affine::Scratch scratch_;
  Index led_to_ = 0;
};

}  // namespace withstand
