// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "withstand/types.hpp"

namespace withstand {

/// A component that may fail: neuron `to` of `layer`, or, when `from >= 0`, the synapse that carries neuron `from` of
/// layer `layer - 1` to neuron `to` of `layer`.
struct Site {
  Index layer = 0;
  Index to = 0;
  Index from = -1;

  bool is_synapse() const { return from >= 0; }
  friend bool operator==(const Site& a, const Site& b) {
    return a.layer == b.layer && a.to == b.to && a.from == b.from;
  }
  friend bool operator!=(const Site& a, const Site& b) { return !(a == b); }
  friend bool operator<(const Site& a, const Site& b) {
    if (a.layer != b.layer) return a.layer < b.layer;
    return a.to != b.to ? a.to < b.to : a.from < b.from;
  }
};

/// What a failed component does.
enum class Effect {
  crash,               ///< the neuron transmits 0
  stuck,               ///< the neuron transmits `amount`
  byzantine,           ///< the neuron transmits any value in [-amount, amount]
  deviation,           ///< the neuron transmits its fault-free value plus any value in [-amount, amount]
  noise,               ///< every neuron adds any value in [-amount, amount] to what it computes, and keeps relaying
  synapse_crash,       ///< the product weight * signal becomes 0
  synapse_product,     ///< the product gains any value in [-amount, amount]
  synapse_signal,      ///< the signal gains any value in [-amount, amount] before the weight
  synapse_replace      ///< the product is replaced by any value in [-amount, amount]
};

bool on_synapses(Effect effect);
/// Crash, stuck-at and synapse crash leave one faulty value per component: their configurations can be enumerated.
bool is_finite(Effect effect);

/// One failure model: which effect, on how many components. A sum of models is a vector of them on disjoint components.
struct Failure {
  Effect effect = Effect::crash;
  std::vector<double> amount;   ///< value or capacity: one entry, or (noise) one per hidden layer; unused for crashes
  std::vector<Index> counts;    ///< one entry when `total`, else one per hidden layer (synapses: per layer 1..L+1)
  bool total = true;            ///< the count is over all candidate components together
  bool exactly = false;         ///< exactly that many fail, instead of at most
  bool equivocal = false;       ///< a Byzantine neuron may send every successor another value
  std::optional<std::vector<Site>> among;  ///< candidates; absent: every hidden neuron (every synapse)

  /// As a user writes it: Crash((3, 9)), StuckAt(1, value=0.5), ...
  std::string describe() const;
};

}  // namespace withstand
