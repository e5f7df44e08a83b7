// SPDX-License-Identifier: MIT
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "check.hpp"
#include "core/budget.hpp"
#include "withstand/parallel.hpp"

using namespace withstand;

namespace {

/// Ends work when it has been asked so often.
struct Patience : Interrupter {
  explicit Patience(int questions) : left(questions) {}
  bool goes_on(bool caller) override {
    if (caller) ++by_caller;
    return --left > 0;
  }
  std::atomic<int> left, by_caller{0};
};

void interruption_points() {
  CHECK(goes_on());  // nobody to ask
  interruption_point();
  for (int threads : {1, 3}) {
    Patience patience(1000);
    std::atomic<int> passed{0};
    bool interrupted = false;
    {
      const Interruptible here(patience);
      try {
        parallel_for(100000, threads, [&](std::uint64_t, int) {
          interruption_point();
          ++passed;
        });
      } catch (const Interrupted&) {
        interrupted = true;
      }
      CHECK(!goes_on());
      Patience inner(5);
      {
        const Interruptible nested(inner);
        CHECK(goes_on());
      }
      CHECK(!goes_on());  // the outer one again
    }
    CHECK(interrupted);
    CHECK(passed < 1000);
    CHECK(threads > 1 || patience.by_caller >= 1000);
    CHECK(goes_on());
  }
}

/// Where the whole has no time left, its part has none either: nobody interrupted it.
void parts_of_budgets() {
  Budget whole(Budget::unlimited, 0.001, {});
  Budget part = whole.part(Budget::unlimited, 0.8);
  std::this_thread::sleep_for(std::chrono::milliseconds(80));  // longer than a pulse
  CHECK(!part.goes_on(true));
  CHECK(part.reason() == Budget::Stop::time);
  Budget watched(Budget::unlimited, 1000, [](std::uint64_t) { return false; });
  Budget asks = watched.part(Budget::unlimited, 0.8);
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  CHECK(!asks.goes_on(true));
  CHECK(asks.reason() == Budget::Stop::interrupted);
}

}  // namespace

int main() {
  interruption_points();
  parts_of_budgets();
  for (int threads : {1, 2, 7}) {
    std::vector<int> runs(1000, 0);
    CHECK(parallel_for(runs.size(), threads, [&](std::uint64_t task, int) { ++runs[task]; }));
    for (int count : runs) CHECK(count == 1);
    CHECK(message_of<std::runtime_error>([&] {
            parallel_for(100, threads, [](std::uint64_t task, int) {
              if (task == 13) throw std::runtime_error("task 13");
            });
          }) == "task 13");
    for (int again = 0; again < 100; ++again)  // the first of those that throw, whoever is first
      CHECK(message_of<std::runtime_error>([&] {
              parallel_for(100, threads, [](std::uint64_t task, int) {
                if (task >= 13) throw std::runtime_error("task " + std::to_string(task));
              });
            }) == "task 13");
    const auto pause = [](std::uint64_t, int) { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
    CHECK(!parallel_for(100000, threads, pause, [](std::uint64_t) { return false; }));
  }
  CHECK(default_threads() >= 1);
}
