// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "search/best_first.hpp"
#include "evaluate/tie.hpp"
#include "search/branch_bound.hpp"

namespace withstand::search {

class BranchBound::Tree {
 public:
  Tree(const Choices& choices, Inputs inputs, Incumbent& incumbent, Budget& budget, int threads, double gap,
       double bounding, Recorder& recorder);

  void run();
  void record_open();  ///< what a search that ended early leaves open, with its bounds
  double upper() const;
  double closed() const;
  double error() const { return error_; }
  double scale() const { return scale_; }
  std::uint64_t bounds() const { return open_.taken(); }
  std::uint64_t evaluations() const { return evaluations_.load(); }

 private:
  /// Multiply-adds of a bound from which on several are computed at once.
  static constexpr double worth_a_thread = 3e5;

  struct Node {
    double bound = 0;
    std::uint64_t id = 0;
    std::size_t row = 0;
    Decisions decisions;
    std::vector<Index> objectives;  ///< those that may still do better
    std::shared_ptr<const void> hints;
    bool first = false;  ///< a root that has not been bounded yet
    std::optional<Walked> walk = std::nullopt;  ///< where bounding has ended: what of its walk is open
    void lighten() { hints.reset(); }
  };
  struct Outcome : BestFirst<Node>::Outcome {
    double work = 0;
    bool relaxed = false;  ///< not enumerated
    std::vector<Leaf> leaves;  ///< when somebody listens
  };
  /// What a worker needs at one input. It owns much memory, so only that of few inputs is kept.
  struct Tools {
    std::size_t row = 0;
    std::unique_ptr<Relaxation> relaxation;
    std::unique_ptr<Evaluator> evaluator;
  };
  struct Worker {
    std::array<Tools, 16> tools;  ///< by row modulo their number
  };

  /// Which components change something as they fail, in the state that decisions leave, as a walk meets them.
  class Live {
   public:
    Live(const Layered::Problem& problem, const Choices& rest, const Decisions& decisions);
    double step() const { return step_; }  ///< what a state of the walk costs
    double sets(const Layered::Part& part, double open) const;  ///< states of a part, `open` failures being left

   private:
    std::vector<std::vector<double>> behind_;  ///< by stage and position: from there on
    double step_ = 0;
  };

  double level() const;
  double promise() const;
  std::vector<Index> left(const Decisions& decisions) const;
  std::vector<Node> pop_some(std::size_t most);
  const Row& row_of(const Node& node) const { return *rows_[node.row]; }
  bool prepared(const Node& node) const { return rows_[node.row].has_value(); }
  bool reached_gap() const;
  void start();
  bool leaves(double done) const;
  double cost_of(const Node& node) const;
  double cost_of_open() const;
  void leave_nodes();
  void leave_walks();
  void divide(const Node& node);
  void search();
  void prepare(std::vector<Node> batch);
  void consult(double work);
  bool much_time() const;
  static Tools& tools(Worker& worker, std::size_t row);
  Relaxation& relaxation(Worker& worker, std::size_t row) const;
  Evaluator& evaluator(Worker& worker, std::size_t row) const;
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
  std::vector<std::unique_ptr<Potential>> potentials_of(const std::vector<Node>& nodes) const;
  void probe();
  void enumerate_rest();
  std::vector<std::pair<std::size_t, std::optional<std::uint64_t>>> parts_of(const std::vector<Node>& nodes, int team);

  const Choices& choices_;
  Inputs inputs_;
  std::vector<std::optional<Row>> rows_;  ///< of the inputs that have been prepared
  Vector known_;                          ///< what other methods say of every input, in real arithmetic
  Incumbent& incumbent_;
  Budget& budget_;
  int threads_;
  double gap_, bounding_;
  Recorder& recorder_;
  std::vector<Worker> workers_;
  BestFirst<Node> open_;
  double asking_;  ///< about how many seconds it takes to ask for all opinions
  double work_ = 0, allowance_ = 0;
  double error_ = 0;  ///< of precise evaluations, the largest of all rows
  double scale_ = 0;  ///< the largest of all rows
  bool relaxed_ = false;
  bool probed_ = false;   ///< what enumerating takes has been tried
  std::atomic<std::uint64_t> evaluations_{0};
};

}  // namespace withstand::search
