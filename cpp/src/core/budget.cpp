// SPDX-License-Identifier: MIT
#include "core/budget.hpp"

namespace withstand {

using Clock = std::chrono::steady_clock;

Budget::Budget(std::uint64_t nodes, double seconds, Watch watch)
    : limit_(nodes), seconds_(seconds), timed_(seconds < 1e9), watch_(std::move(watch)) {
  const std::chrono::duration<double> allowed(seconds);
  if (timed_) deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(allowed);
}

Budget Budget::part(std::uint64_t nodes, double share) {
  return Budget(nodes, share * remaining(), [this](std::uint64_t finished) {
    poll(finished);
    return !interrupted();  // the part has ends of time and nodes of its own
  });
}

bool Budget::spend(std::uint64_t nodes) {
  const std::uint64_t spent = nodes_.fetch_add(nodes, std::memory_order_relaxed) + nodes;
  if (spent > limit_) stop(Stop::nodes);
  return !stopped();
}

void Budget::stop(Stop reason) {
  Stop none = Stop::none;
  if (reason == Stop::interrupted) stop_ = reason;
  else stop_.compare_exchange_strong(none, reason);  // the first reason counts
  if (reason != Stop::nodes) halted_ = true;
}

bool Budget::used_up() {
  if (nodes_ >= limit_) stop(Stop::nodes);
  return stopped();
}

bool Budget::tick() {
  if (timed_ && !halted_ && Clock::now() >= deadline_) stop(Stop::time);
  return !stopped();
}

bool Budget::poll(std::uint64_t finished) {
  finished_ = finished;
  goes_on(true);
  return !stopped();
}

double Budget::remaining() const {
  if (!timed_) return std::numeric_limits<double>::infinity();
  return std::chrono::duration<double>(deadline_ - Clock::now()).count();
}

double Budget::elapsed() const { return timed_ && seconds_ > 0 ? 1 - remaining() / seconds_ : 0; }

bool Budget::goes_on(bool caller) {
  try {
    if (caller && watch_ && !interrupted() && pulse_.due() && !watch_(finished_)) stop(Stop::interrupted);
  } catch (...) {  // other threads do not see it
    stop(Stop::interrupted);
    throw;
  }
  tick();
  return !halted_;
}

}  // namespace withstand
