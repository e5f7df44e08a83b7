// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

#include "withstand/parallel.hpp"

namespace withstand {

/// How long a search may go on: a number of nodes, a time, and whoever watches. Shared by all workers.
class Budget {
 public:
  enum class Stop { none, nodes, time, interrupted };

  static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

  /// `seconds` may be +infinity. `watch` is called on the thread that polls: only the caller's thread may poll it.
  Budget(std::uint64_t nodes, double seconds, Watch watch);

  /// Count nodes; cheap. Returns whether to go on.
  bool spend(std::uint64_t nodes);
  /// Look at the clock and at the watch. Returns whether to go on. Calling thread only.
  bool poll(std::uint64_t finished);
  /// Look at the clock alone: any thread. Returns whether to go on.
  bool tick();

  bool stopped() const { return stop_.load(std::memory_order_relaxed) != Stop::none; }
  Stop reason() const { return stop_.load(); }
  std::uint64_t nodes() const { return nodes_.load(); }
  bool limited() const { return limit_ != unlimited; }

 private:
  std::uint64_t limit_;
  std::chrono::steady_clock::time_point deadline_;
  bool timed_;
  Watch watch_;
  std::atomic<std::uint64_t> nodes_{0};
  std::atomic<Stop> stop_{Stop::none};
};

}  // namespace withstand
