// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "bounds/influence.hpp"
#include "core/budget.hpp"
#include "search/adapters/parameters.hpp"
#include "search/incumbent.hpp"
#include "withstand/failed.hpp"
#include "withstand/search.hpp"

// The worst failed parameters of a chain of matrices at one input (docs/theory.md 16.4).
namespace withstand::search {

using bounds::Influence;

/// A failed parameter and its way: what it adds to its receiver per unit of its sender's signal.
struct Flip {
  Site site;
  int way = 0;
  double change = 0;
  double gain = 0;  ///< the most it does to the objective at hand, if nothing fails behind it
  bool idle = false;  ///< it changes nothing, whatever else fails
};

/// The search at one input.
class FlipsAt {
 public:
  /// `fewer` are the spaces of 0, 1, ... failures.
  FlipsAt(const Network& net, const std::vector<Space>& fewer, const Domain& domain, Index row, const SearchOptions& options,
          const ParameterSearch& search, Budget& budget, Incumbent& incumbent);

  double noise() const { return noise_; }
  std::uint64_t evaluations() const { return evaluations_; }

  /// Failures of the outputs alone, selected exactly.
  void select_outputs();
  /// Whether nothing that includes a failure before the outputs does more than `level`, or than what is found on the way;
  /// false where the budget or the patience ended first.
  bool none_above(double level);
  /// No set does more, as far as every kind of sets has been looked at; infinite before.
  double known() const;
  bool usable() const { return harm_.by_objectives(); }
  const std::vector<Failed>& found() const { return found_; }  ///< of the best witness that came from here

 private:
  void list();
  const Influence& influence(Index hidden);

  /// What weights into the outputs add to the objective, per unit of what their senders transmit.
  void list_closing();

  /// Sets with exactly so many failures before the outputs, and as many there as are left, for one objective.
  bool stratum(Index hidden, Index objective);

  /// The most that each flip before the outputs does; returns the sum of the largest ones, all but one of as many as are to
  /// fail: what any flip may be joined by.
  double rate(const Influence& influence, const Influence::Units& units, Index hidden);

  /// Those flips, layer by layer and the largest first, which with the best of others may do more than is known.
  void keep_promising(double others);

  /// The objective of the sums in a state, closed by selection: what it would be with the best of the outputs' failures.
  double value_of(std::size_t depth);

  double harm_at(double value) const { return harm_.gauge(index_, value); }

  /// The most that so many flips do, of those of layer l from position p on and of all later layers.
  double left_over(Index count, Index l, std::size_t p) const;

  /// Extend a state whose closed objective is `value` by so many flips of layers from l on.
  bool extend(std::size_t depth, Index open, Index l, std::size_t p, double value);

  /// The outputs' sums, and what enters them, with the flips that are taken: all of layers from the first one on.
  void run(std::size_t depth);

  /// Offer the state with the best failures of the outputs.
  void close(std::size_t depth);
  std::vector<Forced> forced(const std::vector<Failed>& failed) const;
  /// Selections of the outputs' failures that rounding leaves open, of all that were to choose from, the largest first.
  std::optional<Contest> contest(const std::vector<Failed>& taken, const std::vector<std::pair<double, Failed>>& gains) const;

  const Network& net_;
  const Space& space_;
  Vector input_;
  Index row_;
  Goal goal_;
  Budget& budget_;
  Incumbent& incumbent_;
  Harm harm_;
  Trace nominal_;
  Index count_;
  Nominal nominal_ranges_;
  double noise_ = 0, level_ = 0;
  std::vector<std::vector<Flip>> flips_, sorted_;  // [layer]; of hidden layers by decreasing gain
  const std::vector<Space>& fewer_;
  const ParameterSearch& search_;
  Evaluated evaluated_;
  std::vector<std::unique_ptr<Influence>> influences_;  // with so many failures before the outputs
  std::vector<Influence::Closing> closing_;
  std::vector<std::pair<std::size_t, std::size_t>> best_;  // flips of the outputs that add least and most
  Vector objective_;
  Index index_ = 0, closed_ = 0;
  double last_ = 0;  // of the gains that rate adds up the least, which it leaves out
  std::vector<std::vector<double>> known_;  // [failures before the outputs][objective]: no set does more
  std::vector<const Flip*> taken_;
  std::vector<Vector> pre_, before_;  // [depth]
  Vector signals_, sums_;
  std::vector<double> gains_;
  std::vector<Failed> found_;
  std::uint64_t evaluations_ = 0;
};

}  // namespace withstand::search
