// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "search/relaxation.hpp"

namespace withstand::search {

/// A part of a failure space that a search closed, at one input. The leaves of a search cover the space exactly once, and
/// the order of their decisions is free: what was split on can be read off the leaves, so inner nodes are not kept.
struct Leaf {
  enum class Kind { bounded, enumerated };
  Kind kind = Kind::bounded;
  Index input_index = 0;
  Decisions decisions;
  double bound = 0;  ///< bounded: no completion of the decisions does more harm
};

/// Told of every leaf of the tree as it is closed. This one does not listen.
class Recorder {
 public:
  virtual ~Recorder() = default;
  /// Whether nodes are to be closed only by bounds and by nothing being left to decide: a bound that excludes all but some
  /// sets is short to use but long to write down.
  virtual bool listens() const { return false; }
  virtual void add(Leaf::Kind, Index /*input*/, const Decisions&, double /*bound*/) {}
  /// The search starts over: what was told does not count.
  virtual void clear() {}
};

/// What a search writes down of its tree, for others to check.
class TreeRecord : public Recorder {
 public:
  std::vector<Leaf> leaves;

  bool listens() const override { return true; }
  void add(Leaf::Kind kind, Index input, const Decisions& decisions, double bound) override {
    leaves.push_back({kind, input, decisions, bound});
  }
  void clear() override { leaves.clear(); }
};

}  // namespace withstand::search
