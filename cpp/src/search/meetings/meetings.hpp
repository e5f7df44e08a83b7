// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <vector>

#include "search/branch_bound.hpp"
#include "search/meetings/encounter.hpp"

namespace withstand::search {

/// What searches through small sets of failing neurons share at one input: what every failure does alone, and what is
/// known of several together from that (docs/theory.md 12.6).
class Meetings {
 public:
  /// Sets of at most so many neurons in a network of maps of few weights, with plain outputs; 0: none of these.
  static Index most(const Network& network, const Choices& choices);

  Meetings(const BranchBound::Row& row, const Choices& choices, const Singles& singles, const Trace& intact,
           Incumbent& incumbent, Budget& budget, int threads);

  std::uint64_t evaluations() const { return evaluations_; }

 protected:
  struct Worker {
    Worker(const Network& network, const Singles& singles, const Trace& intact);
    Reached reached;
    Encounter encounter;
    Vector outputs;
  };

  bool hopeless(double bound) const { return bound + margin_ < incumbent_.harm(); }
  static constexpr std::size_t none = static_cast<std::size_t>(-1);
  /// Whether all of them may fail at once.
  bool together(std::size_t a, std::size_t b, std::size_t c = none) const;
  /// The largest objective if they did together what they do alone.
  double value(std::size_t a, std::size_t b) const;
  /// Failures that change something in the intact network, those that do most first; the others leave to the rest of a set
  /// what it does. Each is taken up by some worker; false where the budget ended.
  bool for_each_first(const std::function<void(Worker&, std::size_t)>& visit);
  /// What an option does alone to the intact network.
  Encounter::Alone alone(std::size_t option) const;
  /// The first failure of a set, alone.
  void take(Worker& worker, std::size_t option) const;
  /// One more, behind those that are taken.
  void add(Worker& worker, std::size_t option) const;
  /// Evaluate what is taken with one more behind it.
  void evaluate(Worker& worker, std::initializer_list<std::size_t> taken, std::size_t last);
  void offer(std::vector<std::size_t> failed);
  Worker& member(int number);
  /// For every objective those that add most to it: something to beat.
  void seed();

  const BranchBound::Row& row_;
  const Network& net_;
  const Choices& choices_;
  const Singles& singles_;
  const Trace& intact_;
  Incumbent& incumbent_;
  Budget& budget_;
  int threads_;
  Index failures_;            // that a set has at most
  Vector base_;               // what the objectives say of the intact network
  std::vector<double> gain_;  // the most that each option adds to an objective
  std::vector<std::size_t> firsts_;
  std::vector<std::unique_ptr<Worker>> team_;  // each made when it is needed
  double margin_;             // of rounding
  std::atomic<std::uint64_t> evaluations_{0};
};

}  // namespace withstand::search
