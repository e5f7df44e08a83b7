// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/network.hpp"

namespace withstand::enumerate {

/// An execution that others differ from in a few signals: they are followed layer by layer to where they lead, and nothing
/// else is computed. A signal that changes nothing (what a relu hides) is followed no further.
class Reached {
 public:
  explicit Reached(const Network& network);

  /// Start from this execution: pre-activations of layers 1.., signals of layers 0...
  void start(const std::vector<Vector>& pre, const std::vector<Vector>& post);
  double signal(Index layer, Index neuron) const { return post_[at(layer)](neuron); }
  const Vector& outputs() const { return post_.back(); }

  /// The outputs when one signal changes by so much: `outputs()` with what is reached replaced, a column of this stride.
  void run(Index layer, Index neuron, double change, double* column, Index stride);
  /// Take the change in: executions start from there until `undo`.
  void commit(Index layer, Index neuron, double change);
  /// Back to the execution that was given.
  void undo();

 private:
  struct Kept {
    Index layer, neuron;
    double pre, post;
  };
  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
  bool follow(Index layer);

  const Network& net_;
  std::vector<Vector> pre_, post_;
  std::vector<Few> changes_;   // of the signals of every layer
  std::vector<Few> sums_;      // of the pre-activations of every layer
  std::vector<Kept> kept_;
  Affine::Scratch scratch_;
};

}  // namespace withstand::enumerate
