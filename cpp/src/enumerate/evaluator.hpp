// SPDX-License-Identifier: MIT
#pragma once

#include "judge.hpp"

namespace withstand {

/// The fast evaluation of a batch: walks its configurations for one input after the other.
///
/// A failed component changes one node of its layer (a neuron transmits its forced value; a synapse takes its product
/// from the receiver's pre-activation), hence adds one column to the pre-activations of the next layer. States along
/// the walk are kept per failed component, so that a configuration costs one column; the last component runs over
/// consecutive candidates and fills a block of columns, through which the rest of the network runs at once.
class Evaluator {
 public:
  explicit Evaluator(const Problem& problem);

  /// Outputs of every configuration of the batch go to `judge`.
  void evaluate(const Grid::Batch& batch, Judge& judge);

 private:
  /// The receiver that the last choice changed: only synapses of the same receiver meet there again.
  struct Touched {
    Index node = -1;
    double pre = 0;
    double post = 0;
    bool forced = false;
  };
  struct StageState {
    Vector before;                   // signals entering the stage's layer
    Vector pre;                      // its pre-activations and
    Vector post;                     // what it transmits, without the stage's own failures
    std::vector<Vector> effect;      // per term, member: change of the node when it fails alone
    std::vector<Vector> next;        // pre-activations of the receivers after 0, 1, ... failures of this stage
    std::vector<Touched> touched;    // likewise
    std::vector<double> change;      // of the node, per choice
  };

  void begin_input(Index input);
  void evaluate_input(const Grid::Batch& batch, Judge& judge);
  void evaluate_intact(Judge& judge);
  void enter(std::size_t stage, const std::vector<Choice>& choices);
  void signals_into(std::size_t stage, const std::vector<Choice>& choices);
  void update(const std::vector<Choice>& choices, std::size_t from);
  void apply(std::size_t depth, const Choice& choice);
  double change_of(std::size_t stage, std::size_t term, Index member, const Touched& touched) const;
  void fill(const Walker::Run& run, Index n);
  void flush(Judge& judge);
  Vector dense(Index layer, const Vector& signals) const;
  Index receivers(std::size_t stage) const;

  const Problem& problem_;
  const Network& net_;
  const Grid& grid_;
  std::vector<std::vector<std::vector<int>>> nodes_;  // per stage, term, member: its node
  std::vector<bool> synapses_;                        // per stage: has synapses
  std::vector<StageState> states_;
  std::vector<std::size_t> first_;                    // of each stage in the class: index of its first choice
  std::vector<Vector> pre_, post_;                    // nominal execution by the same arithmetic as the walk
  std::vector<double> delta_;                         // scratch of a run

  Index input_ = 0;
  std::vector<double> block_, other_;                 // pre-activations of receivers x configurations
  Index block_layer_ = 0;
  Index used_ = 0;
  std::uint64_t offset_ = 0;                          // of the first column in the batch
};

}  // namespace withstand
