// SPDX-License-Identifier: MIT
#pragma once

#include <unordered_map>

#include "judge.hpp"
#include "walk.hpp"

namespace withstand {

/// Errors of all configurations that share a prefix, for a piecewise-linear tail: a row.
///
/// The pre-activations of every later layer are linear in the last failure, up to the corrections of the receivers that
/// leave their nominal piece (see Response). For a prefix, an interval per receiver tells which of them may; only
/// those and the outputs are evaluated. A failure that changes nothing (a crashed neuron that transmits 0 anyway)
/// adds no column: candidates without effect share one lane, and prefixes that differ in such failures share a row.
class LinearRows {
 public:
  explicit LinearRows(const Problem& problem);

  /// After the walk began a class at an input.
  void begin(Walk& walk, const Response& response);
  /// Errors of the configurations of a run behind the walk's prefix.
  void evaluate(const Walker::Run& run, const std::vector<Choice>& choices, std::uint64_t offset, Judge& judge);

 private:
  /// The candidates of one term that change something, and what each does to all later layers.
  struct Lanes {
    std::uint64_t entered = 0;   // the walk's count when these were built
    std::vector<Index> members;  // one per lane
    std::vector<Index> lane_of;  // per member: first lane at or behind it
    Matrix column;               // lanes + 1 x receivers: change of each receiver; the last lane changes nothing
    Matrix lowest, highest;      // lanes + 1 x receivers: extremes over this lane and all behind it
    Index stride = 0;            // of `across`
    std::vector<double> across;  // receivers x lanes, padded with lanes that change nothing
  };
  /// A receiver off its nominal piece, as one more failed neuron.
  struct Correction {
    Index layer = 0;
    Index node = 0;
    double least = 0;
    double most = 0;
  };
  struct Row {
    std::vector<double> errors;  // per member; from the first one that may follow the prefix
    std::vector<double> worst;   // per output, over these members
  };

  Row& find(const Walker::Run& run, bool& known);
  Lanes& lanes(const Walker::Run& run);
  Index first_member(const Walker::Run& run) const;
  void compute(const Walker::Run& run, const std::vector<Choice>& choices, Judge& judge, Row& row);
  void correct(const Lanes& lanes, Index from, Index width, Index layer);
  Index affected(const Lanes& lanes, Index from, Index layer);
  void combine(const Lanes& lanes, Index from, Index width, Index layer, Index rows, const int* nodes, double* out);
  void expand(const Lanes& lanes, Index from, Index first, const double* values, double* members) const;
  void inspect(const Walker::Run& run, std::uint64_t offset, Judge& judge);

  const Problem& problem_;
  const Network& net_;
  const Grid& grid_;
  Walk* walk_ = nullptr;
  const Response* response_ = nullptr;
  Index layer_ = 0;                        // of the last stage
  std::vector<Lanes> lanes_;               // per term
  std::unordered_map<std::string, Row> rows_;
  std::size_t room_ = 0;
  Row scratch_;
  Index width_ = 0;                        // lanes of the row last computed, from lane from_
  Index from_ = 0;
  std::vector<Correction> corrections_;
  std::vector<double> corrected_;          // a row of lanes per correction
  std::vector<double> coefficients_;
  std::vector<double> low_, high_, block_, errors_, members_;
  std::vector<int> nodes_, outputs_;
};

}  // namespace withstand
