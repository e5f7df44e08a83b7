// SPDX-License-Identifier: MIT
#pragma once

#include "evaluate/ranges.hpp"
#include "withstand/space.hpp"

// What a failed component does, as intervals around what it would do. Shared by all bounds.
namespace withstand {

/// `amount` of a failure in a layer: noise may have one per hidden layer, and none elsewhere.
double amount(const Failure& failure, Index layer);

/// Values that a failed neuron may transmit, given those it transmits when nothing fails.
Interval transmitted(const Failure& failure, const Interval& nominal);
/// Transmitted minus fault-free value of a failed neuron.
Interval deviation(const Failure& failure, const Interval& nominal);
/// Delivered minus fault-free product of a failed synapse with this weight, when its source does not fail and transmits
/// its fault-free value; `added` effects add to whatever the source does, the others replace it.
Interval delivered(const Failure& failure, double weight, const Interval& nominal);
bool is_added(Effect effect);

/// max |x| over an interval.
double magnitude(const Interval& interval);

/// Throws std::invalid_argument where the effect of a failure that may happen depends on values that are unbounded,
/// which needs a domain. `layers` bounds the transmitted values of layers 0..L.
void require_bounded(const Network& network, const Space& space, const std::vector<Interval>& layers);

/// Hull of what the senders of a layer transmit, its own and those on wires; `layers` is of the own neurons of layers 0..L.
Interval sent_into(const Network& network, const std::vector<Interval>& layers, Index layer);

/// Largest noise amplitude of a hidden layer, over the terms of the space (their sum: they add).
double noise(const Space& space, Index layer);

/// Fewest failures of a term in a layer, given that the others take as many as they can: 0 unless it says "exactly".
Index least(const Space::Term& term, Index layer);

}  // namespace withstand
