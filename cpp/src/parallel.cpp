// SPDX-License-Identifier: MIT
#include "withstand/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#ifdef __linux__
#include <sched.h>
#endif

namespace withstand {
namespace {

constexpr std::chrono::milliseconds watch_interval{50};

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
  int active = 0;
  std::exception_ptr error;
};

void work(Run& run, std::uint64_t tasks, const std::function<void(std::uint64_t, int)>& body, int worker) {
  try {
    while (!run.stop.load(std::memory_order_relaxed)) {
      const std::uint64_t task = run.next.fetch_add(1, std::memory_order_relaxed);
      if (task >= tasks) break;
      body(task, worker);
      run.finished.fetch_add(1, std::memory_order_relaxed);
    }
  } catch (...) {
    const std::lock_guard<std::mutex> lock(run.mutex);
    if (!run.error) run.error = std::current_exception();
    run.stop = true;
  }
  const std::lock_guard<std::mutex> lock(run.mutex);
  --run.active;
  run.idle.notify_one();
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
  const int count = workers(tasks, threads);
  if (count == 1) return run_inline(tasks, body, watch);

  Run run;
  run.active = count;
  std::vector<std::thread> team;
  try {
    for (int worker = 0; worker < count; ++worker) team.emplace_back(work, std::ref(run), tasks, std::cref(body), worker);
  } catch (const std::system_error&) {  // the system gives no more: those that there are do the work
    const std::lock_guard<std::mutex> fewer(run.mutex);
    run.active -= count - static_cast<int>(team.size());
  }
  if (team.empty()) return run_inline(tasks, body, watch);

  std::exception_ptr interrupted;
  std::unique_lock<std::mutex> lock(run.mutex);
  while (run.active > 0) {
    if (run.idle.wait_for(lock, watch_interval, [&] { return run.active == 0; }) || !watch || run.stop) continue;
    lock.unlock();
    try {
      if (!watch(run.finished)) run.stop = true;
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
