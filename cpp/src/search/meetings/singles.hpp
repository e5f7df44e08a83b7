// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

#include "evaluate/reached.hpp"
#include "search/choices.hpp"
#include "withstand/harm.hpp"

namespace withstand::search {

/// The neurons whose activation bends, of all layers behind the first one with failures, as places in one sequence.
class Places {
 public:
  Places(const Network& network, Index lowest);

  Index first(Index layer) const { return first_[static_cast<std::size_t>(layer)]; }  ///< of a layer, or where none is
  Index count() const { return first_.back(); }
  /// Neurons of a layer that are places, the first ones.
  Index count(Index layer) const { return first(layer + 1) - first(layer); }

 private:
  std::vector<Index> first_;  // of layers 0..L+1, and their number
};

/// What every failure of a finite space does alone, at one input, exactly to rounding: to the objectives, and to the
/// pre-activations of the places that it reaches. Only places count where it could meet another one: where the activation
/// bends between what it makes of the pre-activation and what the others of a set can add to that (docs/theory.md 12.6).
class Singles {
 public:
  struct Touch {
    int place;
    float bend;     ///< by how much the slopes of the activation differ in reach of sets with this failure, times steepness
    double change;  ///< of the pre-activation
  };

  /// For sets of at most so many failures. Nothing where the touches would take too much memory. Interruptible.
  static std::optional<Singles> of(const Network& network, const Choices& choices, Index failures, const Harm& harm,
                                   const Trace& intact);

  const Places& places() const { return places_; }
  const std::vector<Vector>& steep() const { return steep_; }    ///< per layer, see `steepness`
  const std::vector<Option>& options() const { return options_; } ///< that may be taken, by layer
  /// What the option adds to each objective; null where it changes nothing in the intact network.
  const double* effect(std::size_t option) const {
    return row_[option] < 0 ? nullptr : effects_.data() + row_[option] * effects_.cols();
  }
  Index objectives() const { return effects_.cols(); }
  /// Its touches in a layer: [begin, end).
  const Touch* begin(std::size_t option, Index layer) const { return touches_.data() + end_[section(option, layer) - 1]; }
  const Touch* end(std::size_t option, Index layer) const { return touches_.data() + end_[section(option, layer)]; }
  /// The most that its meetings with one other failure of a set, in layers behind this one, can move an objective.
  double meets(std::size_t option, Index layer) const {
    return row_[option] < 0 ? 0 : meets_[section(option, layer)];
  }
  /// The most that an objective can gain because a neuron which hears of this failure has failed itself.
  double unheard(std::size_t option) const { return row_[option] < 0 ? 0 : unheard_[static_cast<std::size_t>(row_[option])]; }

 private:
  Singles(const Network& network, const Choices& choices, Index lowest);

  std::size_t section(std::size_t option, Index layer) const {
    return static_cast<std::size_t>(row_[option] * (net_.layers() + 1) + layer);
  }
  void evaluate(const Harm& harm, const Choices& choices, const Trace& intact, Index failures, Reached& reached);
  bool keep_touches(const Trace& intact, Index failures, Reached& reached);
  double bend(const Trace& intact, double others, Index layer, Index neuron, double change) const;

  const Network& net_;
  Places places_;
  std::vector<Option> options_;
  std::vector<Index> row_;  // of each option among those that change something, else -1
  Matrix effects_;
  Vector least_, most_;     // per place, what one failure adds to its pre-activation, 0 among it
  std::vector<Vector> steep_;
  std::vector<Touch> touches_;
  std::vector<std::size_t> end_;  // of every section: an option at a layer
  std::vector<double> meets_;
  std::vector<double> unheard_;  // of every row
};

}  // namespace withstand::search
