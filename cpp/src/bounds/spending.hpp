// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "withstand/space.hpp"

namespace withstand::bounds {

/// What one term of a space does to the layers, as a recursion over them counts it.
struct Faults {
  const Space::Term* term;
  bool synapses;
  bool counted_here;           ///< per layer; else a total that the states keep
  Index total;
  std::size_t stride;
  std::vector<double> effect;  ///< per layer: Delta_l of a neuron, M_l of a synapse (not of the output layer)
  std::vector<Index> most;     ///< per layer 0..L+1
  std::vector<Index> places{};  ///< of parameters, per layer: receivers of one

  Index spread(Index layer) const { return places.empty() ? 1 : places[static_cast<std::size_t>(layer)]; }

  /// How many of the total are spent in a state.
  Index used(std::size_t state) const {
    return counted_here ? 0 : static_cast<Index>(state / stride % static_cast<std::size_t>(total + 1));
  }
};

/// How many failures of every term a layer takes.
using Counts = std::vector<Index>;

/// Totals are spent layer by layer. A state says how many failures of every total are spent so far.
class Spending {
 public:
  void add(Faults faults) { faults_.push_back(std::move(faults)); }
  /// Number the states, once all terms are there; where going through `layers` would take too long every layer may hold
  /// what it can, and there is one state.
  void lay_out_states(Index layers) {
    double states = 1;
    for (const Faults& f : faults_) states *= f.counted_here ? 1.0 : static_cast<double>(f.total + 1);
    relaxed_ = states * states * static_cast<double>(layers) / 2 > most_steps;
    states_ = 1;
    for (Faults& f : faults_) {
      if (relaxed_) f.counted_here = true;
      f.stride = states_;
      if (!f.counted_here) states_ *= static_cast<std::size_t>(f.total + 1);
    }
  }

  const std::vector<Faults>& faults() const { return faults_; }
  std::size_t states() const { return states_; }
  bool relaxed() const { return relaxed_; }

  /// The first way to spend failures in a layer: none of the totals.
  Counts first(Index l) const {
    Counts counts;
    for (const Faults& f : faults_) counts.push_back(f.counted_here ? f.most[static_cast<std::size_t>(l)] : 0);
    return counts;
  }

  /// The next way to spend failures in layer l after `counts`, from state to `next`; false after the last one.
  bool advance(Index l, std::size_t state, Counts& counts, std::size_t& next) const {
    for (std::size_t t = 0; t < faults_.size(); ++t) {
      const Faults& f = faults_[t];
      if (f.counted_here) continue;
      const Index room = std::min(f.most[static_cast<std::size_t>(l)], f.total - f.used(state));
      if (counts[t] < room) {
        ++counts[t];
        next += f.stride;
        return true;
      }
      next -= static_cast<std::size_t>(counts[t]) * f.stride;
      counts[t] = 0;
    }
    return false;
  }

 private:
  static constexpr double most_steps = 2e7;  // before totals are relaxed

  std::vector<Faults> faults_;
  std::size_t states_ = 1;
  bool relaxed_ = false;
};

}  // namespace withstand::bounds
