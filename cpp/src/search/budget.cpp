// SPDX-License-Identifier: MIT
#include "withstand/budget.hpp"

namespace withstand {

using Clock = std::chrono::steady_clock;

Budget::Budget(std::uint64_t nodes, double seconds, Watch watch)
    : limit_(nodes), timed_(seconds < 1e9), watch_(std::move(watch)) {
  const std::chrono::duration<double> allowed(seconds);
  if (timed_) deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(allowed);
}

bool Budget::spend(std::uint64_t nodes) {
  const std::uint64_t spent = nodes_.fetch_add(nodes, std::memory_order_relaxed) + nodes;
  if (spent > limit_ && !stopped()) stop_ = Stop::nodes;
  return !stopped();
}

bool Budget::tick() {
  if (timed_ && !stopped() && Clock::now() >= deadline_) stop_ = Stop::time;
  return !stopped();
}

bool Budget::poll(std::uint64_t finished) {
  if (watch_ && !watch_(finished) && !stopped()) stop_ = Stop::interrupted;
  return tick();
}

}  // namespace withstand
