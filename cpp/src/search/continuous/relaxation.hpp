// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "withstand/restriction.hpp"

namespace withstand::search {

/// A bound method over one box of inputs, as a continuous search sees it. Any thread.
class BoxRelaxation {
 public:
  /// What a bound proved on the way, for the parts that its node is split into.
  struct Proved {
    virtual ~Proved() = default;
    /// Ranges of the faulty pre-activations of layers 1..L+1 (entry 0 is empty).
    virtual const std::vector<LayerRange>& receivers() const = 0;
  };
  /// A component that may still fail, by this term of the space.
  struct Candidate {
    Site site;
    std::size_t term = 0;
  };
  struct Result {
    double harm = 0;                       ///< no completion of the restriction, at no input of the box, does more
    std::vector<Candidate> selected;       ///< what the bound counts as failed, largest gain first
    std::vector<Candidate> undecided;      ///< where it counts none: what might fail, in that order
    std::shared_ptr<const Proved> proved;
    std::vector<std::pair<Index, double>> objectives;  ///< to look at one by one, each with its bound; empty: all at once
    double others = -std::numeric_limits<double>::infinity();  ///< bound of the objectives that are not among them
    std::vector<Restriction::Piece> pieces;  ///< of a receiver, by which it would split; or empty
    Vector input;                            ///< where it would look for a witness; or empty
  };
  virtual ~BoxRelaxation() = default;
  /// Whether bounds are much better once all failures are decided.
  virtual bool decides() const = 0;
  /// `known` was proved for a restriction that allows at least the same patterns, here or over a larger box, or is null.
  /// Where the harm is at most `enough` nothing else is told. `objective`: the one of those told before, or -1 for all.
  virtual Result bound(const Restriction& restriction, const Proved* known, Index objective, double enough) const = 0;
};

/// How a search gets its bounds: of a box, and what one costs in multiply-adds.
struct BoxRelaxations {
  std::function<std::shared_ptr<const BoxRelaxation>(const Vector& lower, const Vector& upper)> over;
  double cost = 0;
};

}  // namespace withstand::search
