// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/activation.hpp"
#include "withstand/types.hpp"

namespace withstand {

/// What every bound needs of a layer's weights, computed once. Sums and norms are rounded up.
struct WeightFacts {
  Vector row_max;   ///< max over i of |W_ji|, per receiver j
  Vector row_sum;   ///< sum over i of |W_ji|
  Vector row_norm;  ///< Euclidean norm of row j
  double max = 0;   ///< w_l
  double grid = 0;  ///< the largest power of two of which all weights are multiples; 0 where there is none
  double bias_grid = 0;
};

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

  Index depth() const { return static_cast<Index>(weights_.size()) - 1; }  ///< L, the number of hidden layers
  Index layers() const { return static_cast<Index>(weights_.size()); }     ///< L + 1
  Index width(Index layer) const { return layer == 0 ? weights_[0].cols() : weights_[at(layer)].rows(); }
  Index inputs() const { return width(0); }
  Index outputs() const { return width(layers()); }
  Index neurons() const;                                                   ///< N_1 + ... + N_L
  Index widest() const;                                                    ///< max over all layers of N_l

  const Matrix& weight(Index layer) const { return weights_[at(layer)]; }          ///< W^(l), l = 1..L+1
  const Matrix& weight_transposed(Index layer) const { return transposed_[at(layer)]; }  ///< row i: weights leaving i
  const Vector& bias(Index layer) const { return biases_[at(layer)]; }
  const Activation& activation(Index layer) const { return activations_[at(layer)]; }
  const WeightFacts& facts(Index layer) const { return facts_[at(layer)]; }
  double max_weight(Index layer) const { return facts_[at(layer)].max; }  ///< w_l, without the biases

  bool operator==(const Network& other) const;

 private:
  static std::size_t at(Index layer) { return static_cast<std::size_t>(layer - 1); }

  std::vector<Matrix> weights_;
  std::vector<Matrix> transposed_;
  std::vector<Vector> biases_;
  std::vector<Activation> activations_;
  std::vector<WeightFacts> facts_;
};

}  // namespace withstand
