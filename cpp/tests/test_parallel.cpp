// SPDX-License-Identifier: MIT
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.hpp"
#include "withstand/parallel.hpp"

using namespace withstand;

int main() {
  for (int threads : {1, 2, 7}) {
    std::vector<int> runs(1000, 0);
    CHECK(parallel_for(runs.size(), threads, [&](std::uint64_t task, int) { ++runs[task]; }));
    for (int count : runs) CHECK(count == 1);
    CHECK(message_of<std::runtime_error>([&] {
            parallel_for(100, threads, [](std::uint64_t task, int) {
              if (task == 13) throw std::runtime_error("task 13");
            });
          }) == "task 13");
    const auto pause = [](std::uint64_t, int) { std::this_thread::sleep_for(std::chrono::milliseconds(10)); };
    CHECK(!parallel_for(100000, threads, pause, [](std::uint64_t) { return false; }));
  }
  CHECK(default_threads() >= 1);
}
