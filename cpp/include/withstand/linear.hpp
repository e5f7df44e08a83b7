// SPDX-License-Identifier: MIT
#pragma once

// The "linear" bound: back-substituted linear relaxations of the deviation F̂ - F, in which the failures are concretised
// exactly, as the sum of the r largest gains. It takes a *restriction* of a failure space, so that the same function is
// the analytic bound (nothing decided) and the relaxation inside a branch and bound.
//
//   LinearBound bound(net, space, x, x);              // once per input (or box); one copy per thread, copies are cheap
//   LinearResult root = bound(Restriction(space), rows);             // rows: k x m objectives c over the outputs
//   root.deviation(r)                                 // >= c_r (F̂(x) - F(x)) for every pattern that the restriction allows
//   root.faulty(r)                                    // >= c_r F̂(x)
//   std::vector<Gain> s = root.selected(r);           // sites whose gains the bound counts: first witness, branching
//   Restriction child = ...; child.fail(space, s[0].site, s[0].term);
//   LinearResult node = bound(child, rows, &root.ranges);            // a child only tightens the ranges of its parent
//
//   LinearResult tight = bound(child, rows, &root.ranges, {5, incumbent});   // five rounds of better lines for every row
//                                                     // whose deviation is still above its entry of `incumbent`
//
// Rows +e_k and -e_k bound the error of output k; rows e_j - e_c with `faulty` bound the harm of a decision. -infinity
// says that the restriction allows no pattern, +infinity that the arithmetic overflowed.

#include <memory>
#include <vector>

#include "withstand/network.hpp"
#include "withstand/restriction.hpp"

namespace withstand {

/// Proved ranges of the pre-activations of layers 1..L+1 (entry 0 is empty).
struct LinearRanges {
  std::vector<LayerRange> deviation;  ///< of ŝ - s, at the same input
  std::vector<LayerRange> faulty;     ///< of ŝ
};

/// What a free component adds to the bound of one objective when it fails.
struct Gain {
  Site site;
  std::size_t term = 0;
  double value = 0;
};

/// How hard to try, objective by objective, beyond one pass: rounds of a game between failures and lines.
struct LinearEffort {
  int steps = 0;   ///< at most so many rounds, each about as long as one objective takes
  Vector enough;   ///< per objective: a deviation that low needs no further rounds; empty: no such value
};

class LinearBound;
namespace bounds::linear {
class Relaxation;
}

/// Bounds of one restriction, one entry per objective, and why.
class LinearResult {
 public:
  Vector deviation;  ///< >= c (F̂ - F)
  Vector faulty;     ///< >= c F̂
  LinearRanges ranges;     ///< what was proved on the way, for the children

  /// The free components that the bound of this objective counts as failed, largest gain first.
  std::vector<Gain> selected(Index row) const;
  /// Every free component with a positive gain for this objective, in the order of layers, unsorted.
  std::vector<Gain> gains(Index row) const;
  /// The same with gains of 0 or less, and columns of components that are decided (their gain is 0 or infinite).
  std::vector<Gain> table(Index row) const;

 private:
  friend class LinearBound;
  /// Adjacent columns of the table whose components share a count.
  struct Pool {
    Index first = 0, last = 0, budget = 0;
  };
  std::vector<Gain> positive(Index row, const Pool& pool) const;
  void record(const bounds::linear::Relaxation& relaxation);

  Matrix table_;               ///< k x columns: gain of every component
  std::vector<Gain> columns_; ///< whose gain a column holds
  std::vector<Pool> pools_;
};

/// The bound, prepared for a network, a failure space and the inputs lower <= x <= upper. Not shareable between threads
/// (it owns its scratch memory), cheap to copy. Keeps references to the network and to the space.
class LinearBound {
 public:
  /// Throws std::invalid_argument for equivocal failures, which one common transmitted value cannot express.
  LinearBound(const Network& network, const Space& space, ConstVectorRef lower, ConstVectorRef upper);
  ~LinearBound();
  LinearBound(const LinearBound& other);
  LinearBound(LinearBound&&) noexcept;
  LinearBound& operator=(const LinearBound&) = delete;
  LinearBound& operator=(LinearBound&&) = delete;

  /// `rows` is k x m. `known` are ranges proved for a restriction that allows at least the same patterns.
  LinearResult operator()(const Restriction& restriction, const ConstMatrixRef& rows,
                          const LinearRanges* known = nullptr, const LinearEffort& effort = {});

  /// Multiply-adds of one call, an order of magnitude: ranges of every hidden layer from every layer before it.
  static double cost(const Network& network);

  /// Proved ranges of the intact network's pre-activations, layers 1..L+1.
  const std::vector<LayerRange>& nominal() const;

 private:
  friend class DecidedBound;
  struct Prepared;
  struct Node;
  std::shared_ptr<const Prepared> prepared_;
  std::unique_ptr<Node> node_;
};

}  // namespace withstand
