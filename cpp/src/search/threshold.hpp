// SPDX-License-Identifier: MIT
#pragma once

#include <functional>

#include "search/relaxation.hpp"

namespace withstand::search {

/// The sets of undecided options that a linear bound cannot exclude: base + sum of gains > level, within the counts.
///
/// Where a bound is nearly tight they are few, and evaluating them all closes a node that would otherwise have to be
/// split. Larger gains first, so that what is visited early is also a good guess for the worst.
class Threshold {
 public:
  /// `left[q]`: how many options of quota q may still be taken. `bound.base` must be finite.
  Threshold(const ObjectiveBound& bound, const std::vector<Index>& left, double level);

  /// Number of sets, or more than `limit`.
  std::uint64_t count(std::uint64_t limit);
  void visit(const std::function<void(const std::vector<const Option*>&)>& each);

 private:
  bool descend(std::size_t first, Index open, double sum);

  const std::vector<OptionGain>& gains_;
  std::vector<double> prefix_;  ///< sums of the positive gains
  std::vector<Index> left_;
  Index open_ = 0;
  double start_, level_;
  std::uint64_t found_ = 0, limit_ = 0, steps_ = 0;
  const std::function<void(const std::vector<const Option*>&)>* each_ = nullptr;
  std::vector<const Option*> set_;
};

/// Largest value of base + (gains of `taken`) + (gains of any further options), without the components of `excluded`.
double completed(const ObjectiveBound& bound, const std::vector<Index>& left, const std::vector<Option>& taken,
                 const std::vector<Site>& excluded);

/// The options that attain it when nothing is decided: the largest positive gains that the counts allow.
std::vector<Option> selection(const ObjectiveBound& bound, const std::vector<Index>& left);

}  // namespace withstand::search
