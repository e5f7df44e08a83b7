// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace withstand {

/// Called about twenty times a second, always on the calling thread, with the number of finished tasks; returning
/// false asks the run to stop after the tasks in flight.
using Watch = std::function<bool(std::uint64_t finished)>;

/// Tells when it is time to look up again: twenty times a second.
class Pulse {
 public:
  bool due();

 private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

/// Who may end work early. Asked at interruption points, often and on any thread.
class Interrupter {
 public:
  virtual ~Interrupter() = default;
  /// Whether work goes on. `caller`: on the thread that installed this interrupter, which alone may call back into it.
  virtual bool goes_on(bool caller) = 0;
};

/// While it lives, the interruption points of this thread, and of those that parallel_for runs for it, ask `interrupter`.
class Interruptible {
 public:
  explicit Interruptible(Interrupter& interrupter);
  ~Interruptible();
  Interruptible(const Interruptible&) = delete;
  Interruptible& operator=(const Interruptible&) = delete;

 private:
  Interrupter* before_;
  bool caller_before_;
};

/// Thrown at an interruption point to leave work that is to end. It is no error, hence no std::exception.
struct Interrupted {};

/// Whether the work of this thread goes on; true where nobody may interrupt it. Costs about as much as reading the clock.
bool goes_on();
/// A watch that also ends the run where whoever this thread asks now would: for a run that asks an interrupter of its own.
Watch heeding(Watch watch);
/// An interruption point: throws Interrupted where the work of this thread is to end.
void interruption_point();

/// Threads to use when the caller names none: the environment variable WITHSTAND_NUM_THREADS, else OMP_NUM_THREADS,
/// else the number of processors this process may run on.
int default_threads();

/// Run body(task, worker) for every task in [0, tasks), on `threads` threads (0: default_threads()); tasks are handed
/// out one at a time in increasing order, so uneven tasks balance. Waiting threads sleep, they never spin; the caller asks
/// its interrupter while it waits. An exception in a task stops the run and is rethrown here. Returns whether every task
/// ran: false when `watch` stopped it.
bool parallel_for(std::uint64_t tasks, int threads, const std::function<void(std::uint64_t task, int worker)>& body,
                  const Watch& watch = {});

/// Workers that parallel_for will use: at most one per task.
int workers(std::uint64_t tasks, int threads);

}  // namespace withstand
