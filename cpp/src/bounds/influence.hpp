// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include "bounds/methods.hpp"

namespace withstand::bounds {

/// What each component can do to any neuron and to any output, whatever else fails, and so what the worst of them do
/// together (docs/theory.md 16.3). Let the components of a set fail one after the other, layer by layer: the next one
/// changes what some neurons of its layer send, behind which all weights are still intact, so that the change arrives
/// times weights and secant slopes; these lie between the local slopes over what the pre-activations can be. An output is
/// off by at most the sum of what the failures of the set do, and that is at most the sum of the largest ones.
class Influence {
 public:
  /// Of components that fail in one layer each. Interruptible.
  Influence(const Network& network, const Space& space, const Nominal& nominal);

  /// Whether it can be had: no noise, no synapses, no group through several layers, maps that fit in memory.
  static bool applies(const Network& network, const Space& space);

  /// Upper bound of s_plus - s_minus (plus alone: of |s_plus|) of the failed network's outputs, off the intact ones.
  double bound(const Target& target) const;

  /// A failed weight into the outputs: what it adds to a functional of them, per unit of what its sender transmits.
  struct Closing {
    Index sender = 0;
    double low = 0, high = 0;
  };
  /// Per layer 1..L and neuron, what a unit of rise (of fall) of its sum does at most to row * s of the outputs, of which at
  /// most `closed` weights may fail behind it, too. Of chains.
  struct Units {
    std::vector<Vector> rise, fall;
  };
  Units units(ConstVectorRef row, const std::vector<Closing>& closing, Index closed) const;
  /// Whether it sends the same whatever fails before it.
  bool is_flat(Index layer, Index neuron) const {
    const Interval slope = slopes_[static_cast<std::size_t>(layer)][static_cast<std::size_t>(neuron)];
    return slope.lower == 0 && slope.upper == 0;
  }
  /// What a neuron may send, if it fails too.
  Interval reachable(Index layer, Index neuron) const;

 private:
  /// A component that may fail.
  struct Component {
    Site site;
    std::size_t term = 0;
    std::size_t first = 0, count = 0;  // of its changes
  };
  /// Of what a neuron of the component's layer sends, or (outputs) of its pre-activation.
  struct Change {
    Index neuron = 0;
    double low = 0, high = 0;
  };
  /// Intervals, and magnitudes that rounding errors are measured by.
  struct Table {
    Matrix low, high, size;
  };
  using Ranges = std::vector<Interval>;

  using Own = std::pair<std::size_t, std::size_t>;  // of a sum: a component of its weights, and its change

  void enter(Index layer);
  double moved(Index layer, Index neuron, double sign, const std::vector<Own>& own) const;
  void list_parameters(Index layer);
  void list_neurons(Index layer);
  void keep_largest(Index layer, std::size_t from);
  Interval through(Index layer, Index neuron, Interval change) const;
  void hand_on(Index layer);
  /// Upper bounds of what each component does to sign * (s_plus - s_minus).
  std::vector<double> gains(const Target& target, double sign) const;
  double together(std::vector<std::vector<std::vector<double>>>& gains) const;

  const Network& net_;
  const Space& space_;
  const Nominal& nominal_;
  std::vector<Ranges> pre_, sent_;       // [layer]: with failures; what neurons send, failing or not
  std::vector<Ranges> slopes_;
  std::vector<Component> components_;    // by layer
  std::vector<std::size_t> several_;     // components with more than one change
  std::vector<Change> changes_;
  // [term][layer]: of every neuron the largest rises and falls of what it sends, by components that are its own alone
  std::vector<std::vector<Matrix>> rises_, falls_;
  std::vector<Table> before_;            // [source]: what a change there does to what the last hidden layer sends
  std::vector<Table> arrive_;            // [source]: what a change of each neuron there does to the pre-activations of the layer at hand
};

}  // namespace withstand::bounds
