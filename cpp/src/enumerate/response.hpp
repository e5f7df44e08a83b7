// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "aligned.hpp"
#include "withstand/network.hpp"

namespace withstand::enumerate {

/// A piecewise-linear network around one input, every neuron held on the linear piece it is on there.
///
/// As long as receivers keep their piece, a change of what neuron i of layer l transmits moves every later layer by a
/// fixed column, its response. A receiver that leaves its piece transmits a correction on top of it, a sum of hinges
/// coefficient * max(0, excess) with excess = sign * (s - corner) of its pre-activation s; every excess is at most 0 on
/// the nominal piece, and again linear up to the corrections of earlier layers. So a network behind a failing layer is
///
///     harm = linear + sum over hinges of max(0, excess) * (response of the hinge),
///
/// and a configuration costs the columns of its failures and of the few hinges that open, not a product with every
/// matrix. (The nominal-piece-plus-correction form.) A harm is the deviation of an output, or for a decision how far an
/// output rises above the intact network's class.
///
/// Pre-activations are never stored: a row of responses holds, section by section, the hinges of the layers behind and
/// then the harms; a section is padded with zeros (hinges that never open) to whole vectors.
class Response {
 public:
  using Rows = Eigen::Map<const Matrix>;

  struct Hinge {
    Index node = 0;
    double coefficient = 0;
    double sign = 1;
    double corner = 0;
  };

  /// Layers from `lowest` on; `pre` holds the nominal pre-activations of layers 1, ..., L+1 (pre[0] unused);
  /// `decision` the intact network's class where harms are about it, else -1. `changes` holds what the signal of each
  /// neuron of layer `lowest` may change by (least and most, 0 among them) and `failures` how many may fail: hinges of
  /// the next layer, which nothing else moves, are left out where no configuration opens them. Or `changes` is empty.
  Response(const Network& net, const std::vector<Vector>& pre, Index lowest, Index decision, const Matrix& changes,
           Index failures);

  /// Row i: change of all excesses of layers l+1, ..., L and of the harms, per unit of neuron i's signal.
  Rows of(Index layer) const { return neurons_[static_cast<std::size_t>(layer)].rows(); }
  /// Row h: the same behind a layer, per unit of the excess of its hinge h.
  Rows of_hinges(Index layer) const { return corrections_[static_cast<std::size_t>(layer)].rows(); }
  /// Where layer t (L+1: the harms) begins in a row of `of(l)`, and its padded size.
  Index section(Index l, Index t) const {
    return starts_[static_cast<std::size_t>(t)] - starts_[static_cast<std::size_t>(l + 1)];
  }
  Index size(Index t) const { return starts_[static_cast<std::size_t>(t) + 1] - starts_[static_cast<std::size_t>(t)]; }
  Index layers() const { return static_cast<Index>(hinges_.size()) - 1; }  ///< L+1, where the harms are
  Index harms() const { return reference_.size(); }                        ///< one of each output
  /// The nominal piece of each neuron of a layer: slope * s + intercept.
  const Vector& slope(Index layer) const { return slope_[static_cast<std::size_t>(layer)]; }
  const Vector& intercept(Index layer) const { return intercept_[static_cast<std::size_t>(layer)]; }
  /// Excesses of layer t (L+1: harms) from its pre-activations; -infinity for what is no harm.
  void measure(Index t, const Vector& pre, double* section) const;
  /// The intact network's excesses and harms behind a layer.
  Vector nominal(Index layer) const {
    return nominal_.tail(starts_.back() - starts_[static_cast<std::size_t>(layer + 1)]);
  }

  static bool applies(const Network& net, Index from);  ///< layers `from`, ..., L are piecewise linear, outputs plain
  static double cost(const Network& net, Index lowest);  ///< products to build one
  static double bytes(const Network& net, Index lowest);
  static double row_bytes(const Network& net, Index layer);  ///< at most, of a row of `of(layer)`

 private:
  /// A matrix in memory of its own.
  struct Table {
    AlignedDoubles values;
    Index height = 0;
    Index width = 0;

    Eigen::Map<Matrix> zeros(Index rows, Index columns) {
      height = rows;
      width = columns;
      values.assign(static_cast<std::size_t>(rows * columns), 0.0);
      return {values.data(), rows, columns};
    }
    Rows rows() const { return {values.data(), height, width}; }
  };

  void describe_layer(const Network& net, Index layer, const Vector& pre);
  void leave_out(const Network& net, Index layer, const Vector& pre, const Matrix& changes, Index failures);
  void respond(const Network& net, Index layer);

  Index decision_;
  Vector reference_;           // nominal outputs
  std::vector<Index> starts_;  // of each layer's section behind all layers
  std::vector<Table> neurons_, corrections_;
  std::vector<Vector> slope_, intercept_;
  std::vector<std::vector<Hinge>> hinges_;
  Vector nominal_;
};

}  // namespace withstand::enumerate
