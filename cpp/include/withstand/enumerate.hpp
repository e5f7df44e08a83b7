// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <optional>

#include "withstand/forward.hpp"
#include "withstand/network.hpp"
#include "withstand/parallel.hpp"
#include "withstand/space.hpp"
#include "withstand/statistics.hpp"

namespace withstand {

/// What is asked about every configuration.
struct Question {
  bool decisions = false;         ///< harm = max over j != c of output j - output c, c the intact network's class; else
                                  ///< error = max over outputs of |faulty - nominal|
  std::optional<double> epsilon;  ///< count errors above it (decisions: harm at least 0 is always counted)
  std::size_t top = 10;           ///< how many of the worst configurations to keep
  bool eliminate = true;          ///< evaluate only the receivers that leave their linear piece; false: whole products
  bool components = false;        ///< worst and mean error of the configurations that contain a component, for each
};

/// Every configuration of a finite failure space, at every given input.
///
/// A fast evaluation updates pre-activations along the walk over the space and gives the statistics. Whatever lies
/// within its rounding bound of the worst value, of epsilon or of the last of the worst configurations is evaluated
/// again by `trace`, so those are the canonical numbers. Batches come from the grid of the space: any split of
/// [0, batches()) into ranges, threads or machines of one instruction set merges to the same statistics, bit by bit.
class Enumerator {
 public:
  /// Throws std::invalid_argument for what cannot be enumerated (values from an interval, 2^63 configurations or more), inputs that do not fit the network or
  /// decisions of a single output, std::overflow_error where values or squares of errors may leave the range of doubles.
  Enumerator(const Network& network, const Space& space, const Matrix& inputs, const Question& question);
  ~Enumerator();
  Enumerator(Enumerator&&) noexcept;

  /// Every component that may fail, sorted.
  std::vector<Site> components() const;
  std::uint64_t configurations() const;
  std::uint64_t batches() const;
  /// Configurations in a batch, at most.
  std::uint64_t batch_size() const;
  /// Configurations in the batches before this one.
  std::uint64_t rank(std::uint64_t batch) const;
  /// Batches first, ..., last - 1. `watch` is told how many configurations are done; where it returns false the result
  /// covers the batches that were finished: compare `count`.
  Statistics run(std::uint64_t first, std::uint64_t last, int threads = 0, const Watch& watch = {}) const;
  /// The failed components of an entry, and how they fail. Throws std::invalid_argument for what is no entry of this space.
  std::vector<Failed> failed(const Entry& entry) const;
  /// What they are held at, or, of parameters, replaced by. Throws std::invalid_argument for what is no entry of this space.
  std::vector<Forced> witness(const Entry& entry) const;
  /// Largest distance between the fast and the canonical error of any configuration, at any input.
  double rounding() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace withstand
