// SPDX-License-Identifier: MIT
#pragma once

#include "search/meetings/meetings.hpp"

namespace withstand::search {

/// Exact worst case of at most three failing neurons at one input. What a set can gain by meetings is at most the sum of
/// what its pairs can, whoever is the third: that is computed for all pairs, and triples that it does not exclude are
/// evaluated, those of a pair together.
class Triples : public Meetings {
 public:
  using Meetings::Meetings;

  /// Whether what all pairs can gain fits into memory.
  static bool fit(const Singles& singles);
  /// Nothing that is not evaluated does more harm than the incumbent; false where the budget ended first.
  bool run();
  /// No triple does more; infinite before it is known.
  double open() const;

 private:
  void second_failures(Worker& worker, std::size_t a);
  double meet(const Worker& worker, std::size_t a, std::size_t b) const;
  void find_partners();
  void sets_from(Worker& worker, std::size_t a);
  bool third_failures(Worker& worker, std::size_t a, std::size_t b, double bound);

  /// What a pair can gain by meeting; a failure that changes nothing alone meets nobody behind it.
  double gains(std::size_t a, std::size_t b) const { return meet_[a].empty() ? 0 : meet_[a][b - a - 1]; }

  std::vector<std::vector<float>> meet_;  // of each failure with those behind it
  std::vector<double> partner_;  // the most that a second one adds: half of what it does alone, and what the pair gains
};

}  // namespace withstand::search
