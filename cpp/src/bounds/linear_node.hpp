// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "bounds/relaxation.hpp"

namespace withstand {

/// What stays the same for every restriction of one space at one input or box.
struct LinearBound::Prepared {
  const Network& net;
  const Space& space;
  bool point = false;
  std::vector<LayerRange> pre, post;                            ///< nominal
  std::vector<std::vector<std::vector<char>>> candidate;   ///< [term][layer][neuron]
  std::vector<Vector> noise;                               ///< [layer]: amplitude of every neuron, or empty

  Prepared(const Network& network, const Space& failures, ConstVectorRef lower, ConstVectorRef upper);
};

/// One restriction being bounded, layer by layer, and the scratch memory for it.
struct LinearBound::Node {
  /// Rows of coefficients on the signals of one layer, and what has been split off on the way there.
  struct Block {
    Matrix signal, carrier;  ///< k x N_l
    Vector constant;         ///< sum of the offsets
    Vector size;             ///< sum of their absolute values
    Vector slack;            ///< bound of the rounding errors
    Matrix table;            ///< k x columns: gains
  };

  const Prepared* given = nullptr;
  const Restriction* restriction = nullptr;
  std::vector<std::vector<Index>> decided;  ///< [layer][neuron]: -1 open, -2 alive, else index of the failure
  std::vector<relaxed::Layer> layers;       ///< 0..L
  std::vector<relaxed::Pool> pools;
  Index columns = 0;
  LinearRanges ranges;
  Block block;
  bool empty = false;                       ///< no pattern is allowed

  void begin(const Prepared& prepared, const Restriction& restricted);
  void lay_out();
  void bound_carriers(Index layer, const LinearRanges* known);
  void intersect(Index layer, const LayerRange& range);
  void relax(Index layer);
  void relax_neuron(Index layer, Index neuron);
  void rate(relaxed::Segment& segment, Index layer, Index neuron);
  void propagate(Index layer);
  void bound_outputs(const ConstMatrixRef& rows, const LinearRanges* known, Vector& bounds);

  /// From coefficients on the signals of `layer` (block.signal) back to the first layer that can deviate.
  void substitute(Index layer);
  /// Constants only, of one layer: interval propagation with cardinality.
  void concretise(Index layer);
  /// Upper bound of row r after `substitute` (failures of the layers up to `layer`) or `concretise` (flat: of it alone).
  double value(Index row, Index layer, bool flat);
  void start(Index rows);
};

}  // namespace withstand
