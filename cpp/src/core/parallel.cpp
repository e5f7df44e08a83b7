// SPDX-License-Identifier: MIT
#include "withstand/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace withstand {
namespace {

constexpr std::chrono::milliseconds watch_interval{50};
constexpr std::size_t memory_of_a_start = std::size_t{1} << 20;

/// Whom this thread asks at its interruption points. Ambient, because otherwise every loop of every bound would have to
/// be handed what only the outermost call knows.
struct Asks {
  Interrupter* interrupter = nullptr;
  bool caller = false;
};
thread_local Asks asks;

int processors() {
#ifdef __linux__
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

/// The value of an environment variable that starts with a positive number, else 0.
int positive(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::max(0, std::atoi(text));
}

/// What the workers of one run share.
struct Run {
  std::atomic<std::uint64_t> next{0};
  std::atomic<std::uint64_t> finished{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::condition_variable idle;  // a worker has ended
  std::condition_variable gate;  // all workers are ready
  int active = 0;
  int ready = 0;
  bool open = false;
  std::exception_ptr error;  // of the first of the tasks that throw, whoever throws first
  std::uint64_t failed = 0;
  Interrupter* interrupter = nullptr;
};

/// The C++ library keeps what a thread throws in memory that it allocates at the first use, and ends the process where
/// there is none: so this comes before the thread's own work can use all there is.
void get_ready(Run& run) {
  std::unique_lock<std::mutex> lock(run.mutex);
  static_cast<void>(std::current_exception());
  ++run.ready;
  run.idle.notify_one();
  run.gate.wait(lock, [&run] { return run.open; });
}

void work(Run& run, std::uint64_t tasks, const std::function<void(std::uint64_t, int)>& body, int worker) {
  asks = {run.interrupter, false};
  get_ready(run);
  std::uint64_t task = 0;
  try {
    while (!run.stop.load(std::memory_order_relaxed)) {
      task = run.next.fetch_add(1, std::memory_order_relaxed);
      if (task >= tasks) break;
      body(task, worker);
      run.finished.fetch_add(1, std::memory_order_relaxed);
    }
  } catch (...) {
    const std::lock_guard<std::mutex> lock(run.mutex);
    if (!run.error || task < run.failed) {
      run.error = std::current_exception();
      run.failed = task;
    }
    run.stop = true;
  }
  const std::lock_guard<std::mutex> lock(run.mutex);
  --run.active;
  run.idle.notify_one();
}

/// Start `count` threads, or as many as the system allows: limits on processes and memory cost speed, not the answer.
/// None works before all are ready, and they get ready in memory that was set aside for it.
std::vector<std::thread> gather(Run& run, int count, const std::function<std::thread(int)>& start) {
  std::vector<std::thread> team;
  try {
    team.reserve(static_cast<std::size_t>(count));
    const auto reserve = std::make_unique<char[]>(static_cast<std::size_t>(count) * memory_of_a_start);
    for (int worker = 0; worker < count; ++worker) team.push_back(start(worker));
  } catch (const std::system_error&) {  // no more threads
  } catch (const std::bad_alloc&) {
  }
  std::unique_lock<std::mutex> lock(run.mutex);
  run.active = static_cast<int>(team.size());
  run.idle.wait(lock, [&] { return run.ready == run.active; });
  run.open = true;
  run.gate.notify_all();
  return team;
}

/// One thread needs no other: the caller works, and looks up between tasks.
bool run_inline(std::uint64_t tasks, const std::function<void(std::uint64_t, int)>& body, const Watch& watch) {
  Pulse pulse;
  for (std::uint64_t task = 0; task < tasks; ++task) {
    body(task, 0);
    if (watch && pulse.due() && !watch(task + 1)) return task + 1 == tasks;
  }
  return true;
}

}  // namespace

Interruptible::Interruptible(Interrupter& interrupter) : before_(asks.interrupter), caller_before_(asks.caller) {
  asks = {&interrupter, true};
}

Interruptible::~Interruptible() { asks = {before_, caller_before_}; }

bool goes_on() { return asks.interrupter == nullptr || asks.interrupter->goes_on(asks.caller); }

Watch heeding(Watch watch) {
  if (asks.interrupter == nullptr) return watch;
  return [watch = std::move(watch), outside = asks](std::uint64_t finished) {
    return (!watch || watch(finished)) && outside.interrupter->goes_on(outside.caller);
  };
}

void interruption_point() {
  if (!goes_on()) throw Interrupted{};
}

bool Pulse::due() {
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < watch_interval) return false;
  last_ = now;
  return true;
}

int default_threads() {
  if (const int threads = positive("WITHSTAND_NUM_THREADS")) return threads;
  if (const int threads = positive("OMP_NUM_THREADS")) return threads;
  return processors();
}

int workers(std::uint64_t tasks, int threads) {
  const auto wanted = static_cast<std::uint64_t>(threads > 0 ? threads : default_threads());
  return static_cast<int>(std::max<std::uint64_t>(1, std::min(tasks, wanted)));
}

bool parallel_for(std::uint64_t tasks, int threads, const std::function<void(std::uint64_t, int)>& body,
                  const Watch& watch) {
  static_cast<void>(std::current_exception());  // as for the workers: the caller may have to throw without memory
  const int count = workers(tasks, threads);
  if (count == 1) return run_inline(tasks, body, watch);

  Run run;
  run.interrupter = asks.interrupter;
  std::vector<std::thread> team = gather(
      run, count, [&](int worker) { return std::thread(work, std::ref(run), tasks, std::cref(body), worker); });
  if (team.empty()) return run_inline(tasks, body, watch);

  std::exception_ptr interrupted;
  std::unique_lock<std::mutex> lock(run.mutex);
  while (run.active > 0) {
    if (run.idle.wait_for(lock, watch_interval, [&] { return run.active == 0; }) || run.stop) continue;
    lock.unlock();
    try {
      goes_on();  // the caller's own interrupter may call back; the workers ask for themselves
      if (watch && !watch(run.finished)) run.stop = true;
    } catch (...) {  // the callback's own exception: let the workers end first
      interrupted = std::current_exception();
      run.stop = true;
    }
    lock.lock();
  }
  lock.unlock();
  for (std::thread& thread : team) thread.join();
  if (run.error) std::rethrow_exception(run.error);
  if (interrupted) std::rethrow_exception(interrupted);
  return run.finished == tasks;
}

}  // namespace withstand
