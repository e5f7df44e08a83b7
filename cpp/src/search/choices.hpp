// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/forward.hpp"
#include "withstand/space.hpp"

namespace withstand::search {

/// One way for one component to fail: it transmits `value` (a synapse: its product becomes 0), on account of `quota`.
struct Option {
  Site site;
  double value = 0;
  std::size_t quota = 0;
  std::size_t term = 0;  ///< of the space
  int way = 0;           ///< of the term's effect
};

/// A finite failure space as a walk through the network meets it: a sequence of stages, each with options, and quotas
/// that say how many options of each kind may be taken.
///
/// Stages in the order of the computation: 0 the inputs, 2l - 1 the synapses into layer l, 2l the neurons of layer l.
/// A total count is one quota; counts per layer are one quota per layer. A component fails at most once.
struct Choices {
  struct Quota {
    Index count = 0;            ///< options that may (exactly: must) still be taken
    bool exactly = false;
    std::size_t last_stage = 0; ///< no option of this quota comes later
  };
  struct Stage {
    Index layer = 0;
    bool synapses = false;
    std::vector<Forced> failed;   ///< decided: these have failed
    std::vector<Option> options;  ///< undecided, sorted by site, then quota, then way
  };

  std::vector<Stage> stages;
  std::vector<Quota> quotas;
  bool overlapping = false;  ///< some component has several options: of several quotas, or ways to fail
  bool several_ways = false; ///< some component has several options of one quota

  /// Throws std::invalid_argument for a space with interval-valued failures, or such as send what depends on a signal.
  Choices(const Network& network, const Space& space);

  /// The part of the space in which the options `failed` are taken and the components `alive` do not fail.
  /// `failed` must fit the quotas; both in any order.
  Choices restricted(const std::vector<Option>& failed, const std::vector<Site>& alive) const;

  /// The last stage in which something fails or may fail; 0 where there is none.
  std::size_t last_stage() const;
  bool exactly() const;
};

/// Whether an option changes something in an execution.
inline bool changes(const Option& option, const Trace& execution) {
  const Site& site = option.site;
  const auto at = static_cast<std::size_t>(site.is_synapse() ? site.layer - 1 : site.layer);
  return site.is_synapse() ? execution.post[at](site.from) != 0 : execution.post[at](site.to) != option.value;
}

inline std::size_t synapse_stage(Index layer) { return static_cast<std::size_t>(2 * layer - 1); }
inline std::size_t neuron_stage(Index layer) { return static_cast<std::size_t>(2 * layer); }
inline std::size_t stage_of(const Site& site) {
  return site.is_synapse() ? synapse_stage(site.layer) : neuron_stage(site.layer);
}

}  // namespace withstand::search
