// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>

#include "evaluate/reached.hpp"
#include "judge.hpp"
#include "linear_rows.hpp"
#include "parts.hpp"
#include "single_parameters.hpp"
#include "walk.hpp"

namespace withstand::enumerate {

/// The fast evaluation of a batch, one input after the other. Five ways to go from the states of the walk to outputs:
///
/// blocks  the last component runs over its candidates and fills a block of columns, through which the rest of the
///         network runs as matrix products; any activation, any failure;
/// rows    for piecewise-linear tails: see LinearRows;
/// parts   where components are several neurons or synapses, or hear what they are sent: see Parts;
/// curves  one parameter of a chain fails: see SingleParameters;
/// reached where maps have few weights: a failed neuron changes few of the next ones, which are followed.
class BatchEvaluator {
 public:
  BatchEvaluator(const Problem& problem, Responses& responses);

  /// Errors of every configuration of the batch go to `judge`. Interruptible: then the batch is given up.
  void evaluate(const Grid::Batch& batch, Judge& judge);

 private:
  bool by_rows(const Grid::Class& cls) const;
  bool by_reach(const Grid::Class& cls) const;
  std::unique_ptr<Reaction> reaction() const;
  Matrix changes() const;
  /// A prefix of the batch and its run; the same for every input.
  struct Step {
    std::size_t from = 0;      // first choice that changed
    Walker::Run run;
    std::uint64_t offset = 0;  // of the run in the batch
  };

  void plan(const Grid::Batch& batch);
  const Choice* choices(std::size_t step) const { return choices_.data() + step * count_; }
  const Vector& reference() const;
  void intact(Judge& judge);
  void blocks(Judge& judge);
  void rows(Judge& judge);
  void reached(Judge& judge);
  void parts(Judge& judge);
  void single_parameters(Judge& judge);
  void fill(const Walker::Run& run, Index n);
  void flush(Judge& judge);
  void flush_signals(Judge& judge);
  void inspect(Judge& judge, std::uint64_t offset);
  void deliver(Judge& judge);

  const Problem& problem_;
  const Network& net_;
  const Grid& grid_;
  Walk walk_;
  LinearRows linear_;
  Reached reached_;
  Parts parts_;
  SingleParameters single_;
  Responses& responses_;

  std::size_t count_ = 0;                            // of choices of a configuration
  std::vector<Step> steps_;
  std::vector<Choice> choices_;                      // of every step
  std::vector<double> delta_;                        // scratch of a run
  std::vector<double> block_, other_;                // pre-activations of receivers x configurations
  std::vector<double> errors_, worst_;               // of a block: by configuration, by output
  std::vector<double> harms_;                        // of a batch
  Index block_layer_ = 0;
  Index used_ = 0;
  std::uint64_t offset_ = 0;                         // of the first column in the batch
};

}  // namespace withstand::enumerate
