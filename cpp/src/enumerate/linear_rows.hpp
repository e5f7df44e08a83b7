// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "aligned.hpp"
#include "judge.hpp"
#include "responses.hpp"
#include "row_store.hpp"
#include "walk.hpp"
#include "kernels/kernels.hpp"

namespace withstand::enumerate {

/// Errors of all configurations that share a prefix, for a piecewise-linear tail: a row.
///
/// Behind a prefix, every excess of the later layers and every harm is linear in the last failure, up to the hinges that
/// open (see Response). An upper bound per hinge over all candidates tells which may; only those and the harms are
/// evaluated, a vector of candidates at a time. A failure that changes nothing (a crashed neuron that transmits 0
/// anyway) adds no column: such candidates share one lane, and prefixes that differ in such failures share a row, kept
/// from one batch to the next.
///
/// Tried and lost: to look first, by intervals, whether a row can exceed the errors that other inputs have made. A third
/// of the rows were spared, but no row could be shared, and the intervals cost as much as the rows.
class LinearRows {
 public:
  /// `large`: a response takes more than little memory.
  LinearRows(const Problem& problem, bool large);

  /// After the walk began a class at an input: the first run, and the number of choices of a configuration.
  void begin(Walk& walk, const Reaction& reaction, const Walker::Run& run, std::size_t choices);
  /// Errors of the configurations of a run behind the walk's prefix.
  void evaluate(const Walker::Run& run, const Choice* choices, std::uint64_t offset, Judge& judge);

 private:
  /// The lanes of a manner: the reaction's where nothing failed before, else, and where those of all inputs are kept, its own.
  struct Slot {
    Index input = -1;            // whose execution, and
    int stage = 0;               // which stage entered
    std::uint64_t entered = 0;   // in which state these are for
    const Lanes* lanes = nullptr;
    Lanes own;
  };
  /// Hinges that open in some lane: one entry in each array.
  struct Corrections {
    std::vector<const double*> response;
    std::vector<Index> layer;
    std::vector<double> most;    // excess over the lanes
    AlignedDoubles values;       // excesses: a row of lanes each
    Index count = 0;
  };

  const Lanes& lanes(const Walker::Run& run);
  Index first_member(const Walker::Run& run) const;
  double compute(const Walker::Run& run, const Choice* choices, Index first, const Judge& judge);
  void correct(const Lanes& lanes, Index layer);
  void describe_end();
  double end(const Lanes& lanes, const Judge& judge);
  void make_room(Index count);
  const double* const* seen_from(Index layer);
  void expand(const Lanes& lanes, Index first, const double* values, double* members) const;
  void inspect(const Walker::Run& run, std::uint64_t offset, Judge& judge);

  const Problem& problem_;
  const Network& net_;
  const Grid& grid_;
  const Kernels& kernels_;
  double cached_;              // of the rows of one input, in doubles
  Walk* walk_ = nullptr;
  const Reaction* reaction_ = nullptr;
  const Response* response_ = nullptr;
  std::vector<Slot> lanes_;   // per input (or of the current one) and manner
  bool keep_ = false;         // those of all inputs
  // Likewise, per effective prefix: the row's rise (see Judge::any_matters), then the error of each member.
  std::vector<std::unique_ptr<RowStore>> rows_;
  std::size_t row_size_ = 0;
  std::size_t choices_ = 0;   // of a configuration
  Index layer_ = 0;           // of the last stage
  Index width_ = 0;           // number of lanes of the row last computed, and
  Index stride_ = 0;          // that number in whole vectors
  Corrections corrections_;
  RowEnd end_{};
  Index end_layer_ = 0;       // last layer of hinges behind the failures; without one, L+1
  std::vector<int> open_;
  std::vector<const double*> answers_;
  AlignedDoubles excess_;
  std::vector<const double*> responses_;
  AlignedDoubles errors_;     // of the lanes of the row last computed
  std::vector<double> members_;
  std::vector<int> hinges_;
};

}  // namespace withstand::enumerate
