// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include "kernels/kernels.hpp"
#include "search/meetings/beside.hpp"
#include "search/meetings/meetings.hpp"

namespace withstand::search {

/// Exact worst case of at most three failing neurons at one input. What a set can gain by meetings is at most the sum of
/// what its pairs can, whoever is the third, and the pair that can most is followed to the outputs instead. That is computed
/// for all pairs. The triples that it does not exclude are looked at behind their first failure, as pairs of the network
/// in which that has failed: place by place, then layer by layer; what is left is evaluated.
class Triples : public Meetings {
 public:
  Triples(const BranchBound::Row& row, const Choices& choices, const Singles& singles, const Trace& intact,
          Incumbent& incumbent, Budget& budget, int threads);

  /// Whether what all pairs can gain fits into memory.
  static bool fit(const Singles& singles);
  /// Nothing that is not evaluated does more harm than the incumbent; false where the budget ended first.
  bool run();
  /// No triple does more; infinite before it is known.
  double open() const;

 private:
  /// A number of at least or at most so much, in half the bits of single precision: its upper ones.
  using Short = std::uint16_t;
  /// What a failure can gain by meeting each one behind it, whoever is the third, and how much less of that is left where
  /// the two are followed.
  struct Gains {
    std::vector<Short> most, less;
  };
  struct Thirds;

  void second_failures(Worker& worker, std::size_t a);
  double followed(Encounter& encounter, std::size_t b) const;
  void find_partners();
  void sets_from(Worker& worker, std::size_t a);
  void third_failures(Worker& worker, Beside& beside, std::size_t a, std::size_t b, const std::vector<std::size_t>& thirds);
  /// The objectives, with one more failure that does what it does alone.
  Vector with(Vector before, std::size_t option) const;
  void undecided(Thirds& thirds, std::size_t a, std::size_t b) const;

  /// What a pair can gain by meeting; a failure that changes nothing alone meets nobody behind it.
  double gains(std::size_t a, std::size_t b) const;

  std::vector<Gains> meet_;      // of each failure
  std::vector<double> partner_;  // the most that a second one adds: half of what it does alone, and what the pair gains
  std::vector<float> alone_;     // what each does alone, or a little more
  std::vector<Short> silent_;    // what one gains that changes nothing alone
  double most_alone_ = 0;
  const Kernels& kernels_;
};

}  // namespace withstand::search
