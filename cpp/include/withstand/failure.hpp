// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "withstand/format.hpp"
#include "withstand/types.hpp"

namespace withstand {

/// A component that may fail: neuron `to` of `layer`; or, when `from >= 0`, the synapse that carries neuron `from` of
/// layer `layer - 1` to neuron `to` of `layer`, the bias of `to` being the synapse of a sender that always
/// transmits 1; or the stored parameter behind such a synapse, which a convolution shares among many: then the
/// first of them names it.
struct Site {
  static constexpr Index parameters = Index{1} << 40;
  static constexpr Index one = parameters - 1;  ///< the sender of a bias

  Index layer = 0;
  Index to = 0;
  Index from = -1;

  bool is_synapse() const { return from >= 0 && from < parameters; }
  bool is_parameter() const { return from >= parameters; }
  /// Of a synapse or of a parameter.
  Index sender() const { return is_parameter() ? from - parameters : from; }
  bool is_bias() const { return sender() == one; }
  friend bool operator==(const Site& a, const Site& b) {
    return a.layer == b.layer && a.to == b.to && a.from == b.from;
  }
  friend bool operator!=(const Site& a, const Site& b) { return !(a == b); }
  friend bool operator<(const Site& a, const Site& b) {
    if (a.layer != b.layer) return a.layer < b.layer;
    return a.to != b.to ? a.to < b.to : a.from < b.from;
  }
};

/// What a failed component does: a row each in failure/table.cpp, in this order.
enum class Effect {
  crash,               ///< the neuron transmits 0
  stuck,               ///< the neuron transmits `amount`, one of them where there are several
  byzantine,           ///< the neuron transmits any value in [-amount, amount]
  deviation,           ///< the neuron transmits its fault-free value plus any value in [-amount, amount]
  noise,               ///< every neuron adds any value in [-amount, amount] to what it computes, and keeps relaying
  synapse_crash,       ///< the product weight * signal becomes 0
  synapse_product,     ///< the product gains any value in [-amount, amount]
  synapse_signal,      ///< the signal gains any value in [-amount, amount] before the weight
  synapse_replace,     ///< the product is replaced by any value in [-amount, amount]
  bit_flip,            ///< the neuron transmits what it computes with bits of its word flipped
  weight_crash,        ///< a stored parameter becomes 0
  weight_flip,         ///< bits of a stored parameter are flipped
  weight_stuck         ///< a stored parameter becomes `amount`
};

/// Which bits of which words flip: a way to fail for every mask.
struct Words {
  Format format;
  std::vector<std::uint64_t> masks;
  std::optional<int> to;                              ///< only flips to this value: stuck cells
  std::optional<std::pair<double, double>> clamp;     ///< of the value that replaces; what is no number becomes the lower end
  /// Per layer 0..L+1: one for all words, or one per own neuron; of parameters by their receiver.
  std::vector<std::vector<Scaling>> scalings;
  std::optional<Format> biases;                       ///< of biases, where that is another format,
  std::vector<std::uint64_t> bias_masks;              ///< whose words may have more bits,
  std::vector<std::vector<Scaling>> bias_scalings;    ///< likewise
};

bool on_synapses(Effect effect);
/// Whether stored parameters fail.
bool on_parameters(Effect effect);
/// Whether failures are counted one by one. Noise is not: it is everywhere.
bool is_counted(Effect effect);

/// One failure model: which effect, on how many components. A sum of models is a vector of them on disjoint components.
struct Failure {
  Effect effect = Effect::crash;
  std::vector<double> amount;   ///< value or capacity: one entry, or (noise) one per hidden layer, or (stuck) one per way
                                ///< to fail; unused for crashes
  std::vector<Index> counts;    ///< one entry when `total`, else one per hidden layer (synapses: per layer 1..L+1)
  bool total = true;            ///< the count is over all candidate components together
  bool exactly = false;         ///< exactly that many fail, instead of at most
  bool equivocal = false;       ///< a Byzantine neuron may send every successor another value
  std::optional<std::vector<Site>> among;  ///< candidates; absent: every hidden neuron (every synapse, every parameter)
  /// Groups of neurons that fail together, instead of candidates; the first one names a group.
  std::optional<std::vector<std::vector<Site>>> groups;
  std::string group = "groups";            ///< what a user calls them
  std::shared_ptr<const Words> words;      ///< of flips
  /// Where biases are parameters that may fail: per layer 0..L+1, for every own neuron the first one that shares its bias;
  /// nothing for layers that store none.
  std::optional<std::vector<std::vector<Index>>> biases;

  /// As a user writes it: Crash((3, 9)), StuckAt(1, value=0.5), ...
  std::string describe() const;
};

/// In how many ways a component may fail: one for a crash, none where it may send any value of an interval. Of stuck cells
/// some components have fewer: see `offers`.
int ways(const Failure& failure);

/// A failed component and how it fails.
struct Failed {
  Site site;
  std::size_t term = 0;  ///< of the space
  int way = 0;           ///< below the effect's `ways`; of no account where it has none
  double free = 0;       ///< where it has none: what is sent, or, of effects that add to a signal, what is added
};

}  // namespace withstand
