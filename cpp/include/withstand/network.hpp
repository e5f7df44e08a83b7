// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "withstand/activation.hpp"
#include "withstand/affine.hpp"
#include "withstand/types.hpp"

namespace withstand {

/// A feed-forward network. Layers are numbered as in the paper: 0 the inputs, 1..L hidden, L+1 the outputs.
///
///   s^(l) = W^(l) y^(l-1) + b^(l),   y^(l) = phi_l(s^(l)),   y^(0) = x
///
/// Immutable once built.
class Network {
 public:
  /// weights[l-1] is N_l x N_{l-1}, biases[l-1] has N_l entries, activations has L+1 entries, the output's last.
  /// Throws std::invalid_argument on an empty network, shapes that do not chain, or a value that is not finite.
  Network(std::vector<Matrix> weights, std::vector<Vector> biases, std::vector<Activation> activations);
  /// The same with any maps. Copies of a network share them: weights are held once.
  Network(std::vector<std::shared_ptr<const Affine>> maps, std::vector<Vector> biases,
          std::vector<Activation> activations);

  Index depth() const { return static_cast<Index>(maps_.size()) - 1; }  ///< L, the number of hidden layers
  Index layers() const { return static_cast<Index>(maps_.size()); }     ///< L + 1
  Index width(Index layer) const { return layer == 0 ? maps_[0]->cols() : maps_[at(layer)]->rows(); }
  Index inputs() const { return width(0); }
  Index outputs() const { return width(layers()); }
  Index neurons() const;                                                   ///< N_1 + ... + N_L
  Index widest() const;                                                    ///< max over all layers of N_l

  const Affine& map(Index layer) const { return *maps_[at(layer)]; }  ///< W^(l), l = 1..L+1
  /// The same as a matrix, for what is not written for other maps yet. Throws std::invalid_argument, with the layer and
  /// the map's name, where the map holds none.
  const Matrix& dense(Index layer) const;
  const Vector& bias(Index layer) const { return biases_[at(layer)]; }
  const Activation& activation(Index layer) const { return activations_[at(layer)]; }
  double bias_grid(Index layer) const { return bias_grids_[at(layer)]; }  ///< as WeightFacts::grid, of the biases

  bool operator==(const Network& other) const;

 private:
  static std::size_t at(Index layer) { return static_cast<std::size_t>(layer - 1); }

  std::vector<std::shared_ptr<const Affine>> maps_;
  std::vector<Vector> biases_;
  std::vector<Activation> activations_;
  std::vector<double> bias_grids_;
};

}  // namespace withstand
