// SPDX-License-Identifier: MIT
#pragma once

#include "judge.hpp"
#include "row_store.hpp"
#include "walk.hpp"
#include "withstand/kernels.hpp"

namespace withstand {

/// Errors of all configurations that share a prefix, for a piecewise-linear tail: a row.
///
/// The pre-activations of every later layer are linear in the last failure, up to the corrections of the receivers that
/// leave their nominal piece (see Response). For a prefix, an interval per receiver tells which of them may; only
/// those and the outputs are evaluated. A failure that changes nothing (a crashed neuron that transmits 0 anyway)
/// adds no column. Where most candidates have none, they share one lane, and prefixes that differ in such failures share
/// a row (`shared`). Elsewhere a row only has to find what exceeds the errors that other inputs have made before
/// (`pruned`): outputs that provably stay below are left out, most often all of them.
class LinearRows {
 public:
  explicit LinearRows(const Problem& problem);

  /// After the walk began a class at an input.
  void begin(Walk& walk, const Response& response, const Walker::Run& run, std::size_t choices);
  /// Errors of the configurations of a run behind the walk's prefix.
  void evaluate(const Walker::Run& run, const Choice* choices, std::uint64_t offset, Judge& judge);

 private:
  /// The candidates of one term that change something, and what each does to all later layers.
  struct Lanes {
    std::uint64_t entered = 0;   // the walk's count when these were built
    std::vector<Index> members;  // one per lane
    std::vector<Index> lane_of;  // per member: first lane at or behind it
    Matrix lowest, highest;      // lanes + 1 x receivers: extremes of their changes, this lane and all behind it
    Index stride = 0;            // of `across`
    Index written = 0;           // lanes of `across` that may differ from 0
    std::vector<double> across;  // receivers x lanes, padded with lanes that change nothing
  };
  /// Receivers off their nominal piece, as further failed neurons: one entry per correction in each array.
  struct Corrections {
    std::vector<const double*> response;  // row of the receiver in its layer's responses
    std::vector<Index> layer, node;
    std::vector<double> least, most;      // extremes over the lanes
    std::vector<double> values;           // a row of lanes each
    std::size_t count = 0;
  };

  bool mostly_effective(const Walker::Run& run) const;
  void shared(const Walker::Run& run, const Choice* choices, std::uint64_t offset, Judge& judge);
  void pruned(const Walker::Run& run, std::uint64_t offset, Judge& judge);
  bool look_ahead(const Lanes& lanes, double least, Judge& judge);
  void foresee(const Lanes& lanes, Index layer);
  void settle(const Lanes& lanes);
  Index first_member(const Walker::Run& run, const Choice* choices) const;
  Lanes& lanes(const Walker::Run& run);
  void make_room(Index count);
  void push(Index layer, Index node, double least, double most);
  void compute(const Walker::Run& run, const Choice* choices, Judge& judge, double* row);
  Index affected(const Lanes& lanes, Index layer);
  void correct(const Lanes& lanes, Index layer);
  void value(const Lanes& lanes, Index layer, Index count, const int* nodes);
  void combine(const Lanes& lanes, Index layer, Index rows, const int* nodes, double* out);
  void expand(const Lanes& lanes, const double* values, double* members) const;
  void inspect(const Walker::Run& run, std::uint64_t offset, Judge& judge);

  const Problem& problem_;
  const Network& net_;
  const Grid& grid_;
  const Kernels& kernels_;
  Walk* walk_ = nullptr;
  const Response* response_ = nullptr;
  std::vector<Lanes> lanes_;             // per term
  RowStore rows_;                        // per effective prefix: worst of each output, then the error of each member
  Index layer_ = 0;                      // of the last stage
  Index from_ = 0;                       // first lane and
  Index width_ = 0;                      // number of lanes of the row last computed, and
  Index stride_ = 0;                     // that number in whole vectors
  Corrections corrections_;
  std::vector<const double*> responses_;
  bool pruned_ = false;
  Index foreseen_ = 0;                   // receivers of the last hidden layer with an interval, but no values yet
  Vector lows_, highs_;                  // where the receivers of a layer may be
  Vector reference_, low_, high_, worst_;  // of the outputs
  std::vector<double> coefficients_, block_, errors_, members_, scratch_, effects_;
  std::vector<int> nodes_, outputs_;
};

}  // namespace withstand
