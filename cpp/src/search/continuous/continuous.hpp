// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "core/budget.hpp"
#include "withstand/domain.hpp"
#include "search/continuous/relaxation.hpp"
#include "search/incumbent.hpp"
#include "withstand/space.hpp"

namespace withstand::search {

class Opinions;

/// Branch and bound where values or inputs range over intervals: Byzantine and noisy components, boxes.
///
/// A node is a restriction of the failure space (who failed, with which values; who did not; pieces of receivers) over
/// a box of inputs. It is split along the failures that its bound selects; then by halving the value that changes the
/// harm most, at the kinks of receivers, and by halving inputs. Witnesses come from a coordinate search.
class Continuous {
 public:
  Continuous(const Network& network, const Space& space, const Domain& domain, Goal goal, Incumbent& incumbent,
             Budget& budget, int threads, double gap, double ceiling, BoxRelaxations boxes,
             Opinions& opinions);
  ~Continuous();

  /// Until the interval is closed or a limit is reached. `ceiling` is a bound of the harm everywhere to start from.
  void run();
  double upper() const;
  std::uint64_t evaluations() const;

 private:
  class Tree;
  std::unique_ptr<Tree> tree_;
};

}  // namespace withstand::search
