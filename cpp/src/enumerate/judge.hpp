// SPDX-License-Identifier: MIT
#pragma once

#include "replay.hpp"

namespace withstand {

/// Turns outputs into errors and statistics, and has every candidate for a reported value evaluated canonically.
class Judge {
 public:
  explicit Judge(const Problem& problem);

  void begin(const Grid::Batch& batch);
  /// Outputs (m rows of n configurations, leading dimension ld) at one input, for configurations `offset`,
  /// `offset` + 1, ... of the batch; `reference` holds the nominal outputs by the same arithmetic. Overwrites `block`.
  void see(Index input, std::uint64_t offset, Index n, double* block, Index ld, const double* reference);
  void finish();

  const Statistics& statistics() const { return statistics_; }

 private:
  void inspect(Index input, Index output, std::uint64_t offset, Index n, const double* row);
  void replay_one(Index input, Index output, std::uint64_t offset);
  void rank_worst();
  void count_exceeding();
  std::vector<Choice> configuration(std::uint64_t offset) const;

  const Problem& problem_;
  Replayer replayer_;
  Statistics statistics_;
  Grid::Batch batch_;
  std::vector<double> errors_;
};

}  // namespace withstand
