// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/budget.hpp"
#include "search/layered/evaluator.hpp"
#include "search/frontier.hpp"
#include "search/relaxation.hpp"
#include "search/leaves.hpp"
#include "search/opinions.hpp"

namespace withstand::search {

/// Branch and bound over the decisions "this component fails" and "this one does not", best bound first, for finite
/// failure spaces without "exactly", at given inputs that share one incumbent.
///
/// A node is bounded when it is taken up. What its bound selects is tried as a witness. Sets that the linear bound
/// cannot exclude are evaluated when they are few; a node that is cheaper to enumerate than to bound is enumerated;
/// else it is split along the selection s_1, ..., s_r: child j has s_1 .. s_{j-1} failed and s_j alive.
class BranchBound {
 public:
  /// One given input.
  struct Row {
    Layered::Problem problem;
    double noise = 0;     ///< how far evaluations of one harm can be apart: fast, canonical, in real arithmetic
    double ceiling = 0;   ///< a bound of the harm to start from
    double scale = 0;     ///< largest sum of absolute values that an intact output is made of
    double live = 0;      ///< components whose failure would change something, those closed by selection left out
  };

  /// The given inputs, and what is asked of them as the tree grows; on any thread unless said otherwise.
  struct Inputs {
    std::size_t count = 0;
    double ceiling = 0;  ///< a bound of the harm at all of them
    std::function<Row(std::size_t n)> prepare;
    std::function<std::unique_ptr<Relaxation>(std::size_t n)> relaxation;  ///< for one worker; empty: enumerate
    double cost = 0;  ///< of a bound, in multiply-adds
    Opinions& opinions;  ///< other methods on every input, heard on the calling thread
    Frontier* frontier = nullptr;  ///< what to start from and where to leave off; absent: everything, to the end
  };

  BranchBound(const Choices& choices, Inputs inputs, Incumbent& incumbent, Budget& budget, int threads, double gap,
              double bounding, Recorder& recorder);
  ~BranchBound();

  /// Search until the interval is closed, a limit is reached, or bounding no longer pays; then enumerate what is left.
  void run();

  double upper() const;  ///< proved, together with the incumbent, in real arithmetic
  double error() const;  ///< of the most precise evaluations
  double scale() const;  ///< the largest of all rows
  double closed() const;  ///< nothing outside the open parts that were left does more harm
  std::uint64_t bounds() const;
  std::uint64_t evaluations() const;

 private:
  class Tree;
  std::unique_ptr<Tree> tree_;
};

/// About what layered enumeration takes per state, in multiply-adds.
double state_cost(const Network& network);

/// How many sets of at most so many components there are.
double sets_of(double components, double most);
/// Cost of enumerating what decisions leave, in multiply-adds: the states that layered enumeration would visit if as
/// many components stayed live as are in the intact network. `left` counts failures per quota, `alive` excluded ones.
double enumeration_cost(const Layered::Problem& problem, double live, const std::vector<Index>& left, Index alive);

}  // namespace withstand::search
