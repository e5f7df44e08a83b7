// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

#include "core/budget.hpp"
#include "withstand/forward.hpp"
#include "withstand/harm.hpp"
#include "withstand/search.hpp"
#include "evaluate/precise.hpp"

namespace withstand::search {

/// Why a search ended that its budget ended; exact: it did not.
SearchStatus status_of(Budget::Stop stop);

/// Whether `a` is to be reported rather than `b`: more harm, then fewer failures, then smaller components, then values,
/// then the earlier input. A total order, so that the reported witness does not depend on who found it first.
bool better(const Witness& a, const Witness& b);

/// The best witness found so far, shared by all workers. Whatever enters has been replayed canonically.
class Incumbent {
 public:
  /// `floor` is a harm that is witnessed elsewhere: nothing less is kept.
  explicit Incumbent(double floor = -std::numeric_limits<double>::infinity()) : harm_(floor) {}

  /// Replay `failed` (any order) at an input and keep it if it is better. Returns its harm. `precise` is null where the
  /// canonical harm is that of real arithmetic, or nobody asks for `above`; a contest is between sets that may be worse.
  double offer(const Network& network, const Harm& harm, ConstVectorRef input, Index input_index,
               std::vector<Forced> failed, const Precise* precise = nullptr, std::optional<Contest> contest = {});

  /// Whether exactly this (sorted by site) is the witness at this input.
  bool holds(Index input_index, const std::vector<Forced>& failed);

  double harm() const { return harm_.load(std::memory_order_relaxed); }  ///< the floor while there is none
  /// In real arithmetic, nothing that was offered does more harm.
  double above();
  const std::optional<Witness>& witness() const { return witness_; }     ///< read when the workers have ended

 private:
  /// What may do more harm in real arithmetic than the witness does in the canonical evaluation.
  struct Close {
    double most;
    std::vector<Forced> failed;
    const Precise* precise;
    std::optional<Contest> contest;
  };
  static double look(const Close& close);
  void look_closely();

  double above_ = -std::numeric_limits<double>::infinity();
  std::vector<Close> close_;
  std::size_t remembered_ = 0;
  int looks_ = 0;
  std::atomic<double> harm_;
  std::mutex mutex_;
  std::optional<Witness> witness_;
};

}  // namespace withstand::search
