// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <vector>

#include "withstand/branch_bound.hpp"

namespace withstand {

/// Difference below which two harms are equal to a search, `scale` being that of what the outputs sum up: relative to
/// the harm, or where that is small to 1, or where everything is small to the scale.
inline double tie(double harm, double scale) { return 4e-15 * std::max(std::abs(harm), std::min(1.0, scale)); }

class BranchBound::Tree {
 public:
  Tree(const Choices& choices, std::vector<Row> rows, Incumbent& incumbent, Budget& budget, int threads, double gap,
       double bounding, TreeRecord* record);

  void run(const Watch& watch);
  void record_open();  ///< what a search that ended early leaves open, with its bounds
  double upper() const;
  double error() const { return error_; }
  double scale() const { return scale_; }
  bool reached_gap() const;
  std::uint64_t bounds() const { return bounds_; }
  std::uint64_t evaluations() const { return evaluations_.load(); }

 private:
  /// Multiply-adds of a bound from which on several are computed at once.
  static constexpr double worth_a_thread = 3e5;

  /// Open nodes beyond this number do without the ranges of their parents, which take far more memory than they do.
  static constexpr std::size_t most_hints = 20000;

  struct Node {
    double bound = 0;
    std::uint64_t id = 0;
    std::size_t row = 0;
    Decisions decisions;
    std::vector<Index> objectives;  ///< those that may still do better
    std::shared_ptr<const void> hints;
    bool first = false;  ///< a root that has not been bounded yet
  };
  struct Outcome {
    double closed = -std::numeric_limits<double>::infinity();  ///< the largest bound that was given up
    double work = 0;
    bool relaxed = false;  ///< not enumerated
    std::vector<Node> children;
    std::vector<Leaf> leaves;  ///< when they are recorded
  };
  struct Worker {
    std::vector<std::unique_ptr<Relaxation>> relaxations;
    std::vector<std::unique_ptr<Evaluator>> evaluators;
  };

  static bool later(const Node& a, const Node& b) { return a.bound != b.bound ? a.bound < b.bound : a.id > b.id; }

  double level() const;
  double promise() const;
  std::vector<Index> left(const Decisions& decisions) const;
  void push(Node node);
  Node pop();
  void round();
  Outcome process(const Node& node, Worker& worker);
  std::vector<const ObjectiveBound*> above(const std::vector<ObjectiveBound>& bounds, double inherited,
                                           Outcome& out) const;
  void leaf(const Node& node, const Decisions& decisions, Leaf::Kind kind, double bound, Outcome& out) const;
  const Option* undecided(const Decisions& decisions, const std::vector<Index>& counts) const;
  static Node second(const Node& root, const std::vector<const ObjectiveBound*>& open,
                     const std::shared_ptr<const void>& hints);
  void split(const Node& node, const std::vector<const ObjectiveBound*>& open, const std::vector<Index>& counts,
             const std::vector<Option>& along, const std::shared_ptr<const void>& hints, Outcome& out) const;

  double evaluate(const Node& node, Worker& worker, const std::vector<Option>& set);
  void attempt(const Node& node, Worker& worker, const std::vector<Option>& chosen, const ObjectiveBound& bound);
  bool evaluate_all(const Node& node, Worker& worker, const std::vector<const ObjectiveBound*>& open,
                    const std::vector<Index>& counts, Outcome& out);
  bool enumerate(const Node& node, Outcome& out);
  void enumerate_rest(const Watch& watch);

  const Choices& choices_;
  std::vector<Row> rows_;
  Incumbent& incumbent_;
  Budget& budget_;
  int threads_;
  double gap_, bounding_;
  TreeRecord* record_;
  std::vector<Worker> workers_;
  std::vector<Node> open_;  ///< a heap, best bound first
  double closed_ = -std::numeric_limits<double>::infinity();
  double work_ = 0, allowance_ = 0;
  double error_ = 0;  ///< of precise evaluations, the largest of all rows
  double scale_ = 0;  ///< the largest of all rows
  bool relaxed_ = false;
  std::uint64_t created_ = 0, bounds_ = 0;
  std::atomic<std::uint64_t> evaluations_{0};
};

}  // namespace withstand
