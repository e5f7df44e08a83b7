// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <vector>

#include "enumerate/grid.hpp"
#include "withstand/statistics.hpp"

namespace withstand::enumerate {

/// Hands the errors of a batch on to the failed components of its configurations.
///
/// Most of it goes by runs of the walk: sum and largest error of a run belong to every component of its prefix, and
/// each error to its last component. Inside a batch sums are plain, in a fixed order; batches are summed exactly, so
/// that any split of them gives the same bits. Only what may be the worst of a component is evaluated canonically.
class Components {
 public:
  /// The canonical error of a configuration, the one at `offset` in the batch.
  using Canonical = std::function<double(const std::vector<Choice>& choices, std::uint64_t offset)>;

  /// `slack` is the largest distance between a fast and a canonical error.
  Components(const Grid& grid, double slack);

  /// Take in a batch by the fast errors of its configurations; `known` has an entry for each of `Grid::components`.
  void add(const Grid::Batch& batch, const double* errors, const Canonical& canonical,
           std::vector<ComponentErrors>& known);

 private:
  struct Candidate {
    double error = 0;
    std::uint64_t offset = 0;
    std::vector<Choice> choices;
  };

  std::size_t slot(const Choice& choice) const;
  void share(const Grid::Batch& batch, const double* errors);
  bool count(std::vector<ComponentErrors>& known);
  std::vector<Candidate> candidates(const Grid::Batch& batch, const double* errors) const;
  void settle(const Grid::Batch& batch, const double* errors, const Canonical& canonical,
              std::vector<ComponentErrors>& known) const;

  const Grid& grid_;
  double slack_;
  std::vector<std::vector<std::size_t>> first_slot_;     // per stage, manner: of its members, which are consecutive
  // Per slot, of the batch:
  std::vector<std::size_t> component_;                   // whose slot it is
  std::vector<std::uint64_t> counts_;
  std::vector<double> sums_;
  std::vector<std::uint64_t> infinite_;
  std::vector<double> most_;                             // largest fast error
  std::vector<double> limits_;                           // fast errors from here on may be the component's worst
};

}  // namespace withstand::enumerate
