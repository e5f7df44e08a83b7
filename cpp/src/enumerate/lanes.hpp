// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "aligned.hpp"
#include "response.hpp"

namespace withstand::enumerate {

/// The candidates of one term that change something, and what each does to all later layers. Lane 0 changes nothing,
/// the others go from the last candidate to the first: every row, the candidates behind some place, begins at lane 0.
class Lanes {
 public:
  /// For members at `nodes` of a layer, whose failures change them by `effect`.
  void build(const Response& response, Index layer, const Vector& effect, const std::vector<int>& nodes);

  /// Per excess, at least the most that one of the first `width` lanes adds.
  const double* highest(Index width) const { return highest_.data() + (width - 1 + every_ - 1) / every_ * excesses_; }
  /// Per excess and harm, what each lane adds to it; padded with lanes that change nothing.
  const double* across(Index excess) const { return across_.data() + excess * stride_; }
  Index stride() const { return stride_; }

  std::vector<int> index;     ///< per member: its lane; with room for a vector more
  std::vector<Index> widths;  ///< per member, and behind the last: lanes of the row that begins there

 private:
  Index excesses_ = 0;
  Index stride_ = 0;
  Index every_ = 1;           // a bound is kept after so many lanes: one after each would double the memory of many
  AlignedDoubles highest_;
  AlignedDoubles across_;
  std::vector<double> changes_;  // scratch: of the lanes but the first, and their responses
  std::vector<const double*> responses_;
};

}  // namespace withstand::enumerate
