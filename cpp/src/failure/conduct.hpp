// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "core/interval.hpp"
#include "failure/effects.hpp"
#include "withstand/failure.hpp"

// What a failed component does is one row of a table (table.cpp). Where that is any value of an interval, the row says it
// all; where there are several ways to fail, each a function of a signal, a file of its own fills in the Alternatives.
// What engines ask of an effect (effects.hpp) derives from these.
namespace withstand {

/// The ways to fail of a component that has any. A signal is what a neuron would transmit, or a synapse carry, if it did
/// not fail; a neuron's weight is 1. Where a site stands for all of its layer its receiver is -1.
struct Alternatives {
  int (*count)(const Failure& failure);
  /// What the neuron transmits, or what stands for weight * signal; 0 <= way < count.
  double (*sends)(const Failure& failure, int way, const Site& site, double signal, double weight);
  /// Holds `sends` of every way and of every signal of an interval, which may be all numbers; rounded outward.
  Interval (*range)(const Failure& failure, const Site& site, const Interval& signal, double weight);
  /// Whether a component has a way to fail.
  bool (*offers)(const Failure& failure, int way, const Site& site, double weight) = nullptr;  ///< null: all of them
  /// What replaces a parameter, by every way that it has; null: what the ways send for a signal of 1.
  void (*becomes)(const Failure& failure, const Site& site, double weight, std::vector<Become>& all) = nullptr;
};

enum class Strikes {
  neurons,
  everywhere,  ///< all candidates at once, neurons that go on relaying: nothing is counted
  synapses,
  parameters   ///< all synapses that a stored number stands behind
};

enum class Does {
  replaces,
  adds,         ///< to what the component does
  adds_before   ///< the weight of a synapse: to the signal that it carries
};

enum class Hears {
  nothing,  ///< a failed component sends the same whatever the signal
  intact,   ///< the signal of the intact network
  arriving  ///< the signal of the execution, with the failures upstream
};

/// A row of the table.
struct Conduct {
  Effect effect;
  const char* name;                               ///< in Python's `Term.effect`
  const char* model;                              ///< the class that a user writes
  std::string (*arguments)(const Failure&);       ///< behind its counts, as a user writes them
  Strikes strikes;
  Does does;
  Hears hears;
  const Alternatives* alternatives = nullptr;     ///< null: the amount is a capacity, and any value within it may be sent
};

/// Every effect, in the order of the enumeration.
const std::vector<Conduct>& conducts();
/// Throws std::logic_error for an effect without a row.
const Conduct& conduct(Effect effect);

/// A number as Python writes it.
std::string text(double value);

}  // namespace withstand
