// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include "evaluate/ranges.hpp"
#include "withstand/space.hpp"

// What a failed component does: the one place where engines ask what an effect means. Values for those who try them,
// intervals around what the component would do for those who bound. `ways` is in the public header.
namespace withstand {

/// `amount` of a failure in a layer: noise may have one per hidden layer, and none elsewhere.
double amount(const Failure& failure, Index layer);

/// What a neuron would transmit, or a synapse carry, if it did not fail.
struct Signal {
  double intact = 0;    ///< in the network without failures
  double arriving = 0;  ///< in the execution, with the failures upstream
  double weight = 1;    ///< of a synapse
};

/// What a component that fails in a way transmits, or what stands for weight * signal; `signal` is the one that the
/// effect hears. Throws std::logic_error for a way that the effect does not have.
double sends(const Failure& failure, int way, const Site& site, double signal, double weight = 1);
/// The same, by the way or by the free value of a failed component.
double sends(const Failure& failure, const Failed& failed, const Signal& signal);

/// Whether a component has a way to fail; `weight` is that of a parameter.
bool offers(const Failure& failure, int way, const Site& site, double weight = 1);

/// What replaces a failed parameter, in a way; infinity stands for all that is not finite.
struct Become {
  int way = 0;
  double value = 0;
};
/// By every way that a parameter has to fail.
void becomes(const Failure& failure, const Site& site, double weight, std::vector<Become>& all);

/// Whether a parameter is a word of the format that its bits flip in; of other effects it is what it is.
bool is_stored(const Failure& failure, const Site& site, double weight);

// A site whose `to` is -1 stands for all of its layer.

/// All that a failed component may send, for signals of an interval: of those that the effect hears.
Interval sends(const Failure& failure, const Site& site, const Interval& signal, double weight = 1);
/// Sent minus fault-free value of a failed component, for fault-free signals of an interval. A synapse's source does not
/// fail and transmits its fault-free value.
Interval deviates(const Failure& failure, const Site& site, const Interval& nominal, double weight = 1);
/// What a failed parameter adds to a receiver, for signals of its sender of an interval, failures upstream included.
Interval moves(const Failure& failure, const Site& site, const Interval& arriving, double weight);
/// What a failed component chooses from whatever the signal: of values that replace, or of values that are added.
Interval freedom(const Failure& failure, const Site& site);

/// The largest finite magnitude that a failed neuron of a layer may send in some way.
double largest_sent(const Failure& failure, Index layer);

/// Whether the value sent depends on a signal, and on which.
bool hears_something(const Failure& failure);
bool hears_failures(const Failure& failure);  ///< upstream
/// Whether a failed component adds to what it does, or replaces it.
bool is_added(Effect effect);
/// Whether a failed synapse adds to the signal, before the weight.
bool is_weighted(Effect effect);

/// Neurons and synapses that a component is: itself, the members of a group, the places of a parameter; sorted.
void places_of(const Network& network, const Space::Term& term, const Site& site, std::vector<Site>& places);

/// Sort the neurons and synapses of failed components, each with its `site` and the `component` that it is of. A failed
/// synapse delivers what it delivers, whatever the weight behind it: the weight's place there goes.
template <class Part>
void settle(std::vector<Part>& parts) {
  std::stable_sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    return a.site != b.site ? a.site < b.site : !a.component.is_parameter() && b.component.is_parameter();
  });
  const auto same = [](const Part& a, const Part& b) { return a.site == b.site && b.component.is_parameter(); };
  parts.erase(std::unique(parts.begin(), parts.end(), same), parts.end());
}

/// Of the biases of a layer, where they may fail: for each own neuron the first one that shares its bias; else null.
const std::vector<Index>* shared_biases(const Network& network, const Failure& failure, Index layer);
/// What is stored behind a parameter.
double stored(const Network& network, const Site& site);

/// Throws std::invalid_argument where the effect of a failure that may happen depends on values that are unbounded,
/// which needs a domain. `layers` bounds the transmitted values of layers 0..L.
void require_bounded(const Network& network, const Space& space, const std::vector<Interval>& layers);

/// Hull of what the senders of a layer transmit, its own and those on wires; `layers` is of the own neurons of layers 0..L.
Interval sent_into(const Network& network, const std::vector<Interval>& layers, Index layer);

/// Largest noise amplitude of a hidden layer, over the terms of the space (their sum: they add).
double noise(const Space& space, Index layer);

/// Fewest failures of a term in a layer, given that the others take as many as they can: 0 unless it says "exactly".
Index least(const Space::Term& term, Index layer);

/// Throws std::invalid_argument unless flips say of which words, scaled layer by layer or neuron by neuron.
void check_words(const Network& network, const Failure& failure);

/// Whether failures of it say a value, a capacity or an amplitude.
bool takes_amount(Effect effect);

}  // namespace withstand
