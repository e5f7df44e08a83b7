// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>

#include "withstand/parallel.hpp"

namespace withstand {

/// How long a search may go on: a number of nodes, a time, and whoever watches. Shared by all workers. Time and watch
/// interrupt whatever is going on; nodes are counted and compared between them.
class Budget : public Interrupter {
 public:
  enum class Stop { none, nodes, time, interrupted };

  static constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

  /// `seconds` may be +infinity. `watch` is called on the thread that polls: only the caller's thread may poll it.
  Budget(std::uint64_t nodes, double seconds, Watch watch);

  /// Of what is left: so many nodes and a share of the time, for work that is not all there is to do.
  Budget part(std::uint64_t nodes, double share);

  /// Count nodes; cheap. Returns whether to go on.
  bool spend(std::uint64_t nodes);
  /// Look at the clock and at the watch. Returns whether to go on. Calling thread only.
  bool poll(std::uint64_t finished);
  /// Look at the clock alone: any thread. Returns whether to go on.
  bool tick();
  /// At an interruption point: nodes do not interrupt.
  bool goes_on(bool caller) override;
  /// No node may be taken up any more; where one is left, that is why the search ends.
  bool used_up();

  /// By whoever watches; that may be after the time has gone.
  bool interrupted() const { return stop_.load(std::memory_order_relaxed) == Stop::interrupted; }

  bool timed() const { return timed_; }
  double remaining() const;  ///< seconds; infinite without a limit
  double elapsed() const;    ///< share of the time that has gone, from 0; 0 without a limit

  bool stopped() const { return stop_.load(std::memory_order_relaxed) != Stop::none; }
  Stop reason() const { return stop_.load(); }
  std::uint64_t nodes() const { return nodes_.load(); }
  bool limited() const { return limit_ != unlimited; }
  std::uint64_t nodes_left() const { return limited() ? limit_ - std::min(limit_, nodes()) : unlimited; }

 private:
  void stop(Stop reason);

  std::uint64_t limit_;
  double seconds_;
  std::chrono::steady_clock::time_point deadline_;
  bool timed_;
  Watch watch_;
  std::atomic<std::uint64_t> nodes_{0};
  std::atomic<std::uint64_t> finished_{0};
  std::atomic<Stop> stop_{Stop::none};
  std::atomic<bool> halted_{false};  ///< by time or watch
  Pulse pulse_;                      ///< of the calling thread
};

}  // namespace withstand
