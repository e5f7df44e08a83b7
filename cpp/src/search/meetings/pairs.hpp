// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "search/branch_bound.hpp"
#include "search/meetings/singles.hpp"

namespace withstand::search {

/// Exact worst case of at most two failing neurons at given inputs, for networks whose neurons reach few others each.
///
/// What every failure does alone is evaluated. Two failures together do what they do alone, and what their meetings make
/// of it: the places that both of them reach and whose activation bends there. That is bounded from above, cheaply for
/// all pairs at once, then place by place for those that are left; what is left of these is evaluated (docs/theory.md 12.6).
class Pairs {
 public:
  /// At most two failures, both of neurons, maps of few weights, plain outputs.
  static bool applies(const Network& network, const Choices& choices);

  Pairs(const BranchBound::Row& row, const Choices& choices, Singles singles, const Trace& intact, Incumbent& incumbent,
        Budget& budget, int threads);

  /// Nothing that is not evaluated does more harm than the incumbent; false where the budget ended first.
  bool run();
  std::uint64_t evaluations() const { return evaluations_; }

 private:
  /// A place with the first failure taken in.
  struct Place {
    double intact, moved;  ///< pre-activations
    double steep;
  };
  struct Worker {
    Worker(const Network& network, const Singles& singles, const Trace& intact);
    Reached reached;
    std::vector<Place> places;
    std::vector<std::size_t> touched;
    Vector outputs;
  };

  bool together(std::size_t a, std::size_t b) const;
  double value(std::size_t a, std::size_t b) const;
  bool hopeless(double bound) const { return bound + margin_ < incumbent_.harm(); }
  void seed(Worker& worker, const std::vector<std::size_t>& changing);
  void take(Worker& worker, std::size_t a) const;
  void second_failures(Worker& worker, std::size_t a);
  bool meet_harmlessly(const Worker& worker, std::size_t a, std::size_t b, double bound) const;
  double meet(const Worker& worker, std::size_t b, Index layer) const;
  void evaluate(Worker& worker, std::size_t a, std::size_t b);
  void offer(const std::vector<std::size_t>& failed);

  const BranchBound::Row& row_;
  const Network& net_;
  const Choices& choices_;
  Singles singles_;
  const Trace& intact_;
  Incumbent& incumbent_;
  Budget& budget_;
  int threads_;
  Vector base_;               // what the objectives say of the intact network
  std::vector<double> gain_;  // the most that each option adds to an objective
  double margin_;             // of rounding
  std::atomic<std::uint64_t> evaluations_{0};
};

}  // namespace withstand::search
