// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "search/layered/layered.hpp"

namespace withstand::search {

/// The harm of single configurations at one input, fast: from the first failure on, and only what changes.
class Evaluator {
 public:
  Evaluator(const Network& network, const Columns& columns, const Harm& harm, ConstVectorRef input);

  /// Within the problem's noise of the canonical harm. `failed` in any order, every component once.
  double operator()(std::vector<Forced>& failed);
  /// Cost of an evaluation in multiply-adds, an order of magnitude.
  double cost() const;

 private:
  void send(Index layer);
  void receive(Index layer, std::vector<Forced>::const_iterator& next, std::vector<Forced>::const_iterator end);

  const Network& net_;
  const Columns& columns_;
  const Harm& harm_;
  Trace nominal_;
  std::vector<Vector> nominal_pre_;  ///< padded
  std::vector<Vector> pre_, post_;
  std::vector<int> index_;
  std::vector<double> scale_;
};

}  // namespace withstand::search
