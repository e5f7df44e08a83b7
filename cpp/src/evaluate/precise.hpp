// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/forward.hpp"
#include "withstand/harm.hpp"

namespace withstand {

/// Sets of failures in the last stage that rounding cannot tell apart: `failed` have failed, and of the candidates `open`
/// at least `least` and at most `most` do.
struct Contest {
  Index objective = 0;  ///< of the harm
  std::vector<Forced> failed, open;
  Index least = 0, most = 0;
};

/// What twice the digits leave of a rounding error: 2^-100 where doubles have 2^-52, with room.
constexpr double twice_the_digits = 0x1p-44;

/// The harm of single configurations at one input in real arithmetic, from above: evaluated once more with about twice
/// the digits of a double. What the canonical evaluation rounds away, a proved upper end must not.
class Precise {
 public:
  /// `noise`: how far a canonical harm may be from that in real arithmetic. `error`: the same of one with twice the
  /// digits. Both hold for every configuration of interest. Keeps references to the network and the harm.
  Precise(const Network& network, const Harm& harm, ConstVectorRef input, double noise, double error);

  /// No less than the harm of this configuration in real arithmetic. `failed` sorted by site.
  double above(const std::vector<Forced>& failed) const;
  /// The same of the largest value of the objective that a contest can end with.
  double above(const Contest& contest) const;
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
  Signals before(Index layer, const std::vector<Forced>& failed, const Forced*& next) const;
  Number gain(const Forced& open, Index objective, const Signals& signals) const;

  const Network& net_;
  const Harm& harm_;
  double noise_, error_;
  std::vector<Signals> nominal_;  ///< transmitted values of layers 0..L+1 without failures
};

}  // namespace withstand
