// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "withstand/types.hpp"

namespace withstand::search {

/// What methods that need no decisions say of every row of a domain, cheap ones first. A search asks for the next one as
/// soon as it has spent more than the method costs: it then ends no worse than with any bound it could have had instead,
/// and a search that ends soon never pays for them.
class Opinions {
 public:
  /// Share of the work of a search that other methods may take on the way.
  static constexpr double patience = 0.1;
  /// Multiply-adds that nobody notices beside a call: methods that cost no more are asked at the end in any case.
  static constexpr double cheap = 3e8;
  /// Seconds beyond a limit of time that a method may take: an upper end should not be worse than that of a bound which
  /// could have been had instead.
  static constexpr double grace = 0.5;

  virtual ~Opinions() = default;

  /// Upper bounds of the harm at every row, as the next method and those before know it, if they cost at most `work`
  /// multiply-adds and the next one can be expected to end in time or within the grace; nothing otherwise. Interruptible.
  virtual std::optional<Vector> next(double work) = 0;

  /// About how long it takes to ask all that are left.
  virtual double seconds() const = 0;
  /// Work that is little beside taking up the rows.
  virtual double few_passes() const = 0;
};

/// Says nothing.
class NoOpinions : public Opinions {
 public:
  std::optional<Vector> next(double) override { return std::nullopt; }
  double seconds() const override { return 0; }
  double few_passes() const override { return 0; }
};

}  // namespace withstand::search
