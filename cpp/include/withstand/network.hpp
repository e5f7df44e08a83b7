// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "withstand/activation.hpp"
#include "withstand/affine.hpp"
#include "withstand/bias.hpp"
#include "withstand/types.hpp"

namespace withstand {

/// A source that a layer of a graph reads: 0 the inputs, n the n-th layer; `map` is null for the source as it is.
struct Read {
  Index source = 0;
  std::shared_ptr<const Affine> map;
};

/// A layer of a graph: phi(sum over its reads of W y + b).
struct Layer {
  std::vector<Read> reads;
  Bias bias;
  Activation phi;
  bool may_fail = true;
};

/// A feed-forward network. Layers are numbered as in the paper: 0 the inputs, 1..L hidden, L+1 the outputs.
///
///   s^(l) = W^(l) y^(l-1) + b^(l),   y^(l) = phi_l(s^(l)),   y^(0) = x
///
/// A graph, whose layers read several earlier ones, is held as such a chain (docs/theory.md): layer l has the n_l neurons
/// of the graph's layer l, its own, and behind them *wires*, which hand on as they are what later layers read of earlier
/// ones. A wire never fails, and is as exact as the signal that it carries; so every method for chains answers for graphs.
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
  /// A graph on so many inputs, the outputs last. Throws std::invalid_argument likewise, and where a layer reads one that
  /// does not come before it.
  Network(Index inputs, const std::vector<Layer>& layers);

  Index depth() const { return static_cast<Index>(maps_.size()) - 1; }  ///< L, the number of hidden layers
  Index layers() const { return static_cast<Index>(maps_.size()); }     ///< L + 1
  Index width(Index layer) const { return layer == 0 ? maps_[0]->cols() : maps_[at(layer)]->rows(); }
  /// Neurons of a layer that are no wires, the first ones; of layer 0 the inputs.
  Index own(Index layer) const { return layer == 0 ? inputs() : own_[at(layer)]; }
  Index inputs() const { return width(0); }
  Index outputs() const { return width(layers()); }
  Index neurons() const;                                ///< those of hidden layers that may fail
  Index widest() const;                                 ///< max over all layers of N_l
  bool is_graph() const { return graph_; }              ///< whether there are wires, or layers that may not fail
  bool is_dense() const;                                ///< a chain of matrices
  double bytes() const;                                 ///< memory of weights and biases, as they are stored
  double cost() const;                                  ///< multiply-adds of one evaluation
  Vector sent_squares(Index layer) const;               ///< per sender, of its weights to the layer's own neurons
  Index synapses() const;                               ///< products of a stored weight and a signal that may fail

  const Affine& map(Index layer) const { return *maps_[at(layer)]; }  ///< W^(l), l = 1..L+1
  /// The same as a matrix, for what is not written for other maps yet. Throws std::invalid_argument, with the layer and
  /// the map's name, where the map holds none.
  const Matrix& dense(Index layer) const;
  const Vector& bias(Index layer) const { return biases_[at(layer)]->all(); }
  /// Of the layer's own neurons.
  const Activation& activation(Index layer) const { return activations_[at(layer)]; }
  /// Of one neuron: wires have the identity.
  const Activation& activation(Index layer, Index neuron) const {
    return neuron < own_[at(layer)] ? activations_[at(layer)] : wire_;
  }
  double bias_grid(Index layer) const { return bias_grids_[at(layer)]; }  ///< as WeightFacts::grid, of the biases

  /// Whether neurons of a hidden layer may fail; wires never do.
  bool may_fail(Index layer) const { return layer == 0 || may_fail_[at(layer)]; }
  /// Neurons of a layer that may fail, the first ones.
  Index failing(Index layer) const { return may_fail(layer) ? own(layer) : 0; }
  /// What the own neurons of a layer read, in the numbering of the graph; no map is null.
  const std::vector<Read>& reads(Index layer) const { return reads_[at(layer)]; }
  /// Where the signals of layer `source` stand among those of `layer`: as its own, or on wires. -1: nowhere.
  Index offset(Index layer, Index source) const { return offsets_[static_cast<std::size_t>(layer)][static_cast<std::size_t>(source)]; }

  bool operator==(const Network& other) const;

 private:
  static std::size_t at(Index layer) { return static_cast<std::size_t>(layer - 1); }
  void lower(Index inputs, const std::vector<Layer>& layers);
  void check();

  std::vector<std::shared_ptr<const Affine>> maps_;
  std::vector<std::shared_ptr<const Biases>> biases_;
  std::vector<Activation> activations_;
  std::vector<double> bias_grids_;
  std::vector<Index> own_;
  std::vector<bool> may_fail_;
  std::vector<std::vector<Read>> reads_;
  std::vector<std::vector<Index>> offsets_;  // [layer][source]
  bool graph_ = false;
  Activation wire_{"identity"};
};

}  // namespace withstand
