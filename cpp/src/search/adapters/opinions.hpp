// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <optional>
#include <vector>

#include "withstand/bound.hpp"
#include "core/budget.hpp"

namespace withstand::search {

/// What the bound methods say of every row of a domain, cheap ones first. A search asks for the next one as soon as it has
/// spent more than the method costs: it then ends no worse than with any bound it could have had instead, and a search
/// that ends soon never pays for them. The only place where a search meets the methods that need no decisions.
class Opinions {
 public:
  /// Share of the work of a search that other methods may take on the way.
  static constexpr double patience = 0.1;
  /// Multiply-adds that nobody notices beside a call: methods that cost no more are asked at the end in any case.
  static constexpr double cheap = 3e8;

  /// Seconds beyond a limit of time that a method may take: an upper end should not be worse than that of a bound which
  /// could have been had instead.
  static constexpr double grace = 0.5;

  /// Keeps references to all of them.
  Opinions(const Network& network, const Space& space, const Domain& domain, Goal goal, int threads, Budget& budget);

  /// Upper bounds of the harm at every row, as the next method and those before know it, if they cost at most `work`
  /// multiply-adds and the next one can be expected to end in time or within the grace; nothing otherwise. Interruptible.
  std::optional<Vector> next(double work);

  /// About how long it takes to ask all that are left.
  double seconds() const;
  /// Work that is little beside taking up the rows.
  double few_passes() const;

 private:
  struct Candidate {
    Method method;
    double cost;
  };

  const Network& net_;
  const Space& space_;
  const Domain& domain_;
  Goal goal_;
  int threads_;
  Budget& budget_;
  double team_;
  std::vector<Candidate> methods_;  ///< still to be asked, the next one last
  double spent_ = 0;
  Matrix known_;  ///< the least so far, of every output at every row
};

/// An upper bound of the harm at any input of the domain, in some passes over the weights whatever the domain.
double first_opinion(const Network& network, const Space& space, const Domain& domain, Goal goal);

/// Multiply-adds of one linear bound, an order of magnitude: ranges of every hidden layer from every layer before it.
double cost_of_linear(const Network& network);

}  // namespace withstand::search
