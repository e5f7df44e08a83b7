// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "search/branch_bound.hpp"
#include "withstand/domain.hpp"

namespace withstand::search {

/// The given inputs of a search over finite failures, each prepared when it is taken up.
class Points {
 public:
  /// Keeps references to all of them.
  Points(const Network& network, const Space& space, const Domain& domain, Goal goal, const Choices& choices,
         Incumbent& incumbent);
  ~Points();

  /// What a search needs to know of the input; where a set may be empty, the empty one is the first witness. Any thread,
  /// and again: what the incumbent was offered refers to it.
  BranchBound::Row prepare(std::size_t n);
  /// A relaxation of a prepared input, for one worker. Any thread.
  std::unique_ptr<Relaxation> relaxation(std::size_t n) const;

  /// Of the inputs that were prepared: the largest pre-activation of an intact output, and where all of them are 0 the
  /// largest value that an intact network transmits.
  double outputs() const;

 private:
  struct Point;

  const Network& net_;
  const Space& space_;
  const Domain& domain_;
  Goal goal_;
  const Choices& choices_;
  Incumbent& incumbent_;
  Columns columns_;
  std::vector<std::unique_ptr<Point>> points_;
};

}  // namespace withstand::search
