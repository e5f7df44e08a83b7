// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include "evaluate/ranges.hpp"
#include "withstand/space.hpp"

namespace withstand::bounds {

/// What the neurons of a layer send, as intervals: deviations from the fault-free values, or the values themselves.
struct Carried {
  /// Candidates of one failure model in the layer, and what they send when they fail. Between `least` and `most` do.
  struct Failing {
    Index least = 0;
    Index most = 0;
    std::vector<Index> neurons;
    Vector lower, upper;  // one entry per candidate
    std::vector<Index> group{};  // of every candidate, where several fail together: of so many groups
    Index groups = 0;
    Index size = 1;              // of the largest group
  };

  Vector lower, upper;           ///< of neurons that do not fail
  std::vector<Failing> failing;
  bool values = false;           ///< values, not deviations
};

/// Candidates of all neuron failures of a layer, with the deviations (or values) of failed neurons.
std::vector<Carried::Failing> failing(const Space& space, Index layer, const Nominal& nominal, bool values);

/// What the wires of a layer hand on: the entries of their senders, also of those that may fail.
void hand_on(const Network& network, Index layer, const Carried& before, Carried& after);

/// What the receivers of a layer get, when for each receiver the worst failures are selected on their own: for a fixed
/// set of failures every term is replaced by what its source then sends, and the sum is maximised over all sets that the
/// counts allow, which is a choice of the largest gains. Rounded outward.
class Reception {
 public:
  Reception(const Network& network, const Space& space, Index layer, const Nominal& nominal, const Carried& carried);

  /// Range of sum_i W_ji (what i sends), failed synapses included; the bias is left out.
  Interval of(Index receiver);
  /// Upper end of the same for the difference of two receivers that see the same failures.
  double difference(Index plus, Index minus);

 private:
  /// A row of weights and the receivers whose synapses it is made of, each with the sign it enters with.
  struct Row {
    const double* weights;
    double norm, largest, grid;
    std::vector<std::pair<Index, double>> receivers;
    Terms terms{};  // where the weights lie if the map stores no rows; of few weights the terms alone: weights is null
  };

  Row row_of(Index receiver) const;
  double upper(const Row& row, double sign);
  double failures(const Row& row, double sign);
  double sent(const Row& row, double sign);
  double few_failures(const Row& row, double sign);
  double synapses(const Row& row, double sign);
  double parameters(const Row& row, double sign);
  /// A failed synapse may hide what one member of a group loses.
  double member(double gain) const { return synapses_ && gain < 0 ? 0 : gain; }
  void list_parameters();
  double error(const Row& row, double struck) const;

  const Network& net_;
  const Space& space_;
  Index layer_;
  const Nominal& nominal_;
  const Carried& carried_;
  bool synapses_ = false;
  Vector lowest_, highest_;  // sent, failing or not
  Vector ends_;              // scratch: the larger end of each term
  std::vector<double> gains_;
  double size_ = 0;          // Euclidean norm of the largest |sent|
  double magnitude_struck_ = 0;  // sum over failures of the largest |sent|
  double synapse_scale_ = 0; // number of synapses that may fail times the largest |sent|
  double grid_ = 0;
  Index selected_ = 0;       // number of failures that can be selected
  struct Struck {
    Index to = 0, from = 0;  // a place, and
    Site parameter;          // whose
    bool operator<(const Struck& other) const { return to < other.to; }
  };
  std::vector<std::vector<Struck>> struck_;  // per term: places of parameters that may fail, by receiver
  std::vector<std::vector<int>> places_;  // of maps with few weights, per failing group: which candidate a neuron is, or -1
};

}  // namespace withstand::bounds
