// SPDX-License-Identifier: MIT
#pragma once

#include "search/meetings/meetings.hpp"

namespace withstand::search {

/// Exact worst case of at most two failing neurons at one input. Two failures do what they do alone, and what their
/// meetings make of it: the places that both of them reach and whose activation bends there. That is bounded from above,
/// cheaply for all pairs, then place by place for those that are left; what is left of these is evaluated.
class Pairs : public Meetings {
 public:
  using Meetings::Meetings;

  /// Nothing that is not evaluated does more harm than the incumbent; false where the budget ended first.
  bool run();
  /// No pair that has not been looked at does more.
  double open() const;

 private:
  void second_failures(Worker& worker, std::size_t a);
  double lost(const Worker& worker, std::size_t b) const;
  bool meet_harmlessly(const Worker& worker, std::size_t a, std::size_t b, double bound) const;

  std::vector<char> done_;  // of each option: with all behind it
};

}  // namespace withstand::search
