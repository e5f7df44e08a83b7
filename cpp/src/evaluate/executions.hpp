// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <vector>

#include "withstand/forward.hpp"
#include "withstand/restriction.hpp"

namespace withstand {

/// Executions with few failures at an input, all of them: what fails comes one after the other in the order of computation, and
/// what the first ones lead to is computed once for all that come behind them. Those that fail next in a layer are executed
/// together, as columns of a block. For neurons whose failures leave one value each way (crash, stuck).
class Executions {
 public:
  /// Sets of at most so many failures, one or more. `skip`: a failure that surely changes nothing where it comes is left out, with all that
  /// come behind it, for they are executed without it. Keeps references to the network and the space.
  Executions(const Network& network, const Space& space, ConstVectorRef input, Index failures, bool skip);

  struct Choice {
    Site site;
    std::size_t term;
    double sent;
  };
  /// Outputs of executions, one a column, in each of which one more has failed.
  struct Seen {
    const Matrix& outputs;
    const Restriction& before;
    const Choice* choices;
    std::vector<Forced> failed(Index column) const;  ///< sorted by site
  };
  using Outputs = std::function<void(const Seen& seen)>;
  /// What has failed in an execution of as many failures as are asked for, and what may fail besides.
  using Reached = std::function<void(const Restriction& failed)>;
  /// Run them, at least one failure each. `reached` may be empty. Interruptible.
  void run(const Outputs& outputs, const Reached& reached);

  const Trace& intact() const { return intact_; }
  bool any() const { return any_; }  ///< whether `run` found some
  /// After `run`: by how much an output in any of these executions, the intact one among them, may be off the same in real
  /// arithmetic. The standard model of floating-point arithmetic, layer by layer, with the largest values that were computed.
  struct Rounding {
    Vector doubles;
    Vector precise;           ///< of one with twice the digits
    std::vector<Vector> sums; ///< [layer]: the same of pre-activations, in doubles
    bool certain = true;      ///< what was left out changes nothing, however it is computed, and weights are no sums
  };
  Rounding rounding() const;
  /// Of every output, the largest magnitude that was computed.
  const Vector& largest() const { return largest_.back(); }

  /// Multiply-adds of all sets of at most so many failures, from the number of components of each layer 0..L that may fail,
  /// each by all its ways; about, and how many sets that are.
  struct Cost {
    double products = 0, sets = 0;
  };
  static Cost cost(const Network& network, const Space& space, const std::vector<double>& components, Index failures);
  /// Components by layer: all, or those whose failure changes something at an input.
  static std::vector<double> components(const Network& network, const Space& space, const Trace* intact);
  /// The most failures of a set.
  static Index most(const Space& space);

 private:
  /// The executions of a block: [layer] neurons x columns, from the layer that fails on.
  struct Block {
    std::vector<Matrix> pre, post;
  };

  void descend(const Trace& before, Index depth);
  std::vector<Choice> next(const Trace& before, Index layer);
  bool changes_nothing(const Trace& before, const Choice& choice);
  void execute(const Trace& before, Index layer, const Choice* choices, Index count, Block& block);
  void note(Index layer, const Matrix& values);

  const Network& net_;
  const Space& space_;
  Index failures_;
  bool skip_, any_ = false;
  Trace intact_;
  Restriction failed_;
  std::vector<Vector> largest_;   ///< [layer]: of every neuron, of all executions
  std::vector<Vector> margin_;    ///< [layer]: how far below 0 rectifiers are that surely send 0
  std::vector<Vector> depth_;     ///< [layer]: how far below 0 every neuron was that was left out, at least
  std::vector<Block> blocks_;     ///< by number of failures before it
  const Outputs* outputs_ = nullptr;
  const Reached* reached_ = nullptr;
};

}  // namespace withstand
