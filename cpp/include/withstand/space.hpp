// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "withstand/failure.hpp"
#include "withstand/natural.hpp"
#include "withstand/network.hpp"

namespace withstand {

/// A failure model resolved against a network: which components may fail, where, and how many of them.
class Space {
 public:
  static constexpr std::uint64_t counting_steps = 500'000'000;

  struct Term {
    Failure failure;
    std::vector<std::vector<Site>> sites;  ///< candidates of layers 0..L+1, each sorted and without repetition
    Index candidates = 0;                  ///< their number
    /// Of parameters, per layer 0..L+1: what failed ones can be.
    struct Struck {
      double weight = 0;     ///< the largest |u| of what replaces a parameter W that multiplies a signal,
      double bias = 0;       ///< or a bias,
      double change = 0;     ///< the largest |u - W|
      double growth = 0;     ///< and the largest |u| - |W|
      Index places = 0;      ///< the most places of one
      bool infinite = false; ///< some way is infinite: what is above is of the others
      double value() const { return std::max(weight, bias); }
    };
    std::vector<Struck> struck;
    /// Of groups: members of each, by the site that names it.
    std::map<Site, std::vector<Site>> members;

    /// Where components have different numbers of ways to fail: per layer, of each site.
    std::vector<std::vector<int>> ways;

    /// Whether it is a candidate; nothing is one of a layer that is not there.
    bool has(const Site& site) const {
      if (site.layer < 0 || site.layer >= static_cast<Index>(sites.size())) return false;
      const std::vector<Site>& here = sites[static_cast<std::size_t>(site.layer)];
      return std::binary_search(here.begin(), here.end(), site);
    }
    bool grouped() const { return !members.empty(); }
    /// Whether some group has members in several layers, each of which may then hold what it can.
    bool reaches_through() const;
    const int* ways_of(Index layer) const {
      return ways.empty() || ways[static_cast<std::size_t>(layer)].empty() ? nullptr : ways[static_cast<std::size_t>(layer)].data();
    }

    /// Largest number of failures of this term in a layer (0..L+1), whatever happens in the others.
    Index most(Index layer) const;
    /// Count of a layer (0..L+1) for per-layer terms.
    Index count(Index layer) const;
  };

  /// Throws std::invalid_argument for a count that is negative or larger than the number of candidates, a component
  /// that does not exist, a capacity that is negative or not finite, or a tuple of the wrong length.
  Space(const Network& network, const std::vector<Failure>& failures);

  const std::vector<Term>& terms() const { return terms_; }
  Index layers() const { return static_cast<Index>(own_.size()) - 1; }  ///< L + 1
  bool finite() const;                         ///< every term leaves one faulty value per component
  bool at_most() const;                        ///< no term says "exactly"
  /// Whether each component is one neuron or synapse, and fails whatever its signal.
  bool plain() const;
  /// Number of configurations: sets of failed components (each with its term) that the counts allow. Nothing where
  /// counting them takes more than so many steps, a step being about a nanosecond.
  std::optional<Natural> configurations(std::uint64_t steps = counting_steps) const;
  /// The same as a double; infinity beyond doubles, and where there are too many to count.
  double magnitude(std::uint64_t steps = counting_steps) const;
  std::string describe() const;                ///< "Crash(2) + StuckAt(1, value=1)"

 private:
  std::vector<Term> terms_;
  std::vector<Index> own_;  ///< neurons of each layer of the network
  friend void check(const Space& space, const Network& network);
};

/// Throws std::invalid_argument where the space is of a network with other layers.
void check(const Space& space, const Network& network);

}  // namespace withstand
