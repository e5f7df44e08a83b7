// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/forward.hpp"
#include "withstand/harm.hpp"

namespace withstand {

/// The harm of single configurations at one input in real arithmetic, from above: evaluated once more with about twice
/// the digits of a double. What the canonical evaluation rounds away, a proved upper end must not.
class Precise {
 public:
  /// `noise`: how far a canonical harm may be from that in real arithmetic. `error`: the same of one with twice the
  /// digits. Both hold for every configuration of interest. Keeps references to the network and the harm.
  Precise(const Network& network, const Harm& harm, ConstVectorRef input, double noise, double error);

  /// No less than the harm of this configuration in real arithmetic. `failed` sorted by site.
  double above(const std::vector<Forced>& failed) const;
  double noise() const { return noise_; }
  double error() const { return error_; }

  /// An unevaluated sum: `high` is the nearest double, `low` the rest.
  struct Number {
    double high = 0, low = 0;
  };

 private:
  using Signals = std::vector<Number>;

  Number receive(Index layer, Index receiver, const Signals& signals, const Forced* first, const Forced* last) const;
  void run(Index layer, Signals& signals, const Forced*& next, const Forced* end) const;

  const Network& net_;
  const Harm& harm_;
  double noise_, error_;
  std::vector<Signals> nominal_;  ///< transmitted values of layers 0..L+1 without failures
};

}  // namespace withstand
