// SPDX-License-Identifier: MIT
#pragma once

#include "problem.hpp"
#include "response.hpp"

namespace withstand::enumerate {

/// phi over n values, by the kernel of this machine.
void activate(const Activation& phi, double* s, Index n);

/// States along the walk over the configurations of a class, at one input.
///
/// A failed component changes one node of its layer (a neuron transmits its forced value; a synapse takes its product
/// from the receiver's pre-activation), hence adds one column to the pre-activations of the next layer. There is one
/// state per failed component, so that the next configuration costs one column. In the last failing layer a state may
/// reach further: with a Response it holds the excesses of all later layers and the harms, as far as they are linear.
class Walk {
 public:
  /// The receiver that the last choice changed: only synapses of the same receiver meet there again.
  struct Touched {
    Index node = -1;
    double pre = 0;
    double post = 0;
    bool forced = false;
  };
  struct StageState {
    Vector before;                 // signals entering the stage's layer
    Vector pre;                    // its pre-activations and
    Vector post;                   // what it transmits, without the stage's own failures
    std::vector<Vector> effect;    // per manner, member: change of the node when it fails alone
    std::vector<Vector> next;      // pre-activations (excesses) of the receivers after 0, 1, ... failures of the stage
    std::vector<Touched> touched;  // likewise
    std::vector<double> change;    // of the node, per choice
  };

  /// The network on an input, by the same arithmetic as the walk.
  struct Execution {
    std::vector<Vector> pre, post;
  };

  explicit Walk(const Problem& problem);

  void begin_input(Index input);
  /// Begin a class at its first choices; `response`, where given, extends the states of the last failing layer.
  void begin_class(const Choice* choices, std::size_t count, const Response* response);
  /// Take the choices from `from` on in, all but the last. What only the state behind them needs waits for `enter_last`:
  /// where their key is that of a row known already, nobody asks for it.
  void update(const Choice* choices, std::size_t from);
  /// Make the state behind all choices but the last.
  void enter_last(const Choice* choices);
  /// The last choice is the only one of its stage: its stage is entered anew behind every prefix.
  bool last_is_alone() const { return failures_[last_stage_] == 1 && count_ > 1; }

  /// Number of the state in which the last stage was entered: 0 where nothing failed before, else one of its own.
  std::uint64_t entered() const { return entered_; }

  Index input() const { return input_; }
  const Vector& pre(Index layer) const { return nominal_->pre[static_cast<std::size_t>(layer)]; }
  const Vector& post(Index layer) const { return nominal_->post[static_cast<std::size_t>(layer)]; }
  /// State of the stage of the last choice, and pre-activations behind all choices but the last.
  const StageState& last() const { return states_[last_stage_]; }
  const Vector& prefix() const { return last().next[last().next.size() - 2]; }
  /// Choices but the last that change something, as a key of the state.
  const std::vector<std::uint64_t>& effective() const { return effective_; }

  const std::vector<int>& nodes(std::size_t stage, std::size_t manner) const { return nodes_[stage][manner]; }
  bool has_synapses(std::size_t stage) const { return synapses_[stage]; }
  /// Layer whose pre-activations a failure of the stage changes by a column.
  Index receivers(std::size_t stage) const;
  /// Change of a node when one more component fails: of what it transmits, or (outputs) of its pre-activation.
  double change_of(std::size_t stage, std::size_t manner, Index member, const Touched& touched) const;

 private:
  const Site& site_of(const Choice& choice) const;
  void enter(std::size_t stage, const Choice* choices);
  void signals_into(std::size_t stage, const Choice* choices);
  Vector first_state(std::size_t stage) const;
  void take(std::size_t depth, const Choice& choice);
  void move(std::size_t depth, const Choice& choice);
  void touch(StageState& state, std::size_t i, const Site& site, double change) const;
  bool intact_before(std::size_t stage) const;
  Vector dense(Index layer, const Vector& signals) const;

  const Problem& problem_;
  const Network& net_;
  const Grid& grid_;
  std::vector<std::vector<std::vector<int>>> nodes_;  // per stage, manner, member: its node
  std::vector<bool> synapses_;                        // per stage: has synapses
  std::vector<StageState> states_;
  std::vector<std::size_t> first_;                    // of each stage in the class: index of its first choice
  std::vector<std::size_t> failures_;                 // of each stage in the class
  std::size_t count_ = 0;                             // of choices
  std::size_t last_stage_ = 0;
  std::size_t moved_ = 0;                             // choices of the last stage whose state is made
  std::uint64_t entered_ = 0;
  std::uint64_t states_seen_ = 0;
  const Response* response_ = nullptr;
  std::vector<std::uint64_t> effective_;              // keys of the choices that change something,
  std::vector<std::size_t> effective_before_;         // and how many of them come before a choice
  std::vector<Execution> nominal_of_;                 // per input, or of the current one
  const Execution* nominal_ = nullptr;
  Index input_ = 0;
};

}  // namespace withstand::enumerate
