// SPDX-License-Identifier: MIT
#pragma once

#include "walk.hpp"

namespace withstand::enumerate {

/// Configurations of components that are several neurons or synapses, or that fail by what they hear: each is followed on its
/// own from the first failing layer to the last one, behind which many go together through products.
///
/// What an integer's or a float's word makes of a signal jumps where the signal rounds to another word: there nothing but
/// the canonical evaluation gives the answer, up to the outputs.
class Parts {
 public:
  explicit Parts(const Problem& problem);

  /// The intact execution at an input, by the arithmetic of the walk.
  void begin(const Walk& walk);
  /// Layer whose transmitted signals `run` gives, of the configurations of a class; the outputs where each one is canonical.
  Index layer_of(const Choice* choices, std::size_t count) const;
  /// Signals of layer `until` of a configuration, in a column of a block; outputs that do infinite harm where a way is infinite.
  void run(const Choice* choices, std::size_t count, Index until, double* column, Index ld);

 private:
  /// A neuron or a synapse of a failed component.
  struct Part {
    Site site;
    std::size_t manner;
    Site component;
  };

  const std::vector<Site>& places(const Choice& choice);
  void gather(const Choice* choices, std::size_t count);
  bool strike(Index layer, std::size_t& next);
  void canonical(const Choice* choices, std::size_t count, double* column, Index ld) const;
  void unbounded(double* column, Index ld) const;

  const Problem& problem_;
  const Network& net_;
  const Grid& grid_;
  std::vector<std::vector<std::vector<Site>>> places_;  // per stage, position; made when first asked for
  const Walk* walk_ = nullptr;
  std::vector<Part> parts_;                             // of the configuration at hand, sorted
  Vector before_, pre_, post_;                          // signals into a layer, its sums, what it transmits
};

}  // namespace withstand::enumerate
