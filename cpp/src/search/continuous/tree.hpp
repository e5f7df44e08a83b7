// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <limits>
#include <memory>
#include <vector>

#include "search/best_first.hpp"
#include "search/continuous/continuous.hpp"
#include "search/continuous/execution.hpp"

namespace withstand::search {

class Continuous::Tree {
 public:
  /// Boxes of more dimensions are split by receivers before inputs: a kink is gone after one split.
  static constexpr Index few_inputs = 8;

  Tree(const Network& network, const Space& space, const Domain& domain, Goal goal, Incumbent& incumbent,
       Budget& budget, int threads, double gap, double ceiling, BoxRelaxations boxes, Opinions& opinions);
  void run();
  double upper() const;
  std::uint64_t evaluations() const { return evaluations_.load(); }

 private:
  using Candidate = BoxRelaxation::Candidate;
  struct Node {
    double bound = 0;
    std::uint64_t id = 0;
    Index row = 0;
    Vector lower, upper;  ///< box of inputs
    Restriction restriction;
    std::shared_ptr<const BoxRelaxation> relaxation;      ///< prepared for the box; null: not yet
    std::shared_ptr<const BoxRelaxation::Proved> proved;  ///< by the parent's bound
    Index objective = -1;                                 ///< of the relaxation's; -1: all
    double halved = std::numeric_limits<double>::infinity();  ///< bound of the node whose ranges were split to this one
    Index varying() const { return (upper.array() > lower.array()).count(); }  ///< inputs that are not decided
    void lighten() {}  // what was proved is what its own bound starts from: without it searches take longer
  };
  using Outcome = BestFirst<Node>::Outcome;

  void search();
  void consult(double work);
  bool much_time() const;
  bool closed(double bound) const;
  Outcome process(const Node& node);
  std::vector<Candidate> selection(const Node& node, const BoxRelaxation::Result& result, bool any) const;
  bool in_vain(const Node& node) const;
  double enough() const;
  void follow(const Node& node, const Vector& input);
  void attempt(const Node& node, const std::vector<Candidate>& along);
  void split_failures(const Node& node, const std::vector<Candidate>& along, Outcome& out) const;
  bool split_as_told(const Node& node, const BoxRelaxation::Result& result, Outcome& out) const;
  bool split_ranges(const Node& node, Outcome& out) const;
  bool split_receiver(const Node& node, Outcome& out) const;
  void halve(const Node& node, Index coordinate, Outcome& out) const;

  const Network& net_;
  const Space& space_;
  Goal goal_;
  Incumbent& incumbent_;
  Budget& budget_;
  int threads_;
  double gap_;
  BoxRelaxations boxes_;
  Opinions& opinions_;
  Execution execution_;
  double known_ = std::numeric_limits<double>::infinity();  ///< what other methods say of all rows
  BestFirst<Node> open_;
  std::atomic<std::uint64_t> evaluations_{0};
};

}  // namespace withstand::search
