// SPDX-License-Identifier: MIT
#include "responses.hpp"

#include <algorithm>
#include <chrono>

#include "withstand/parallel.hpp"

namespace withstand::enumerate {
namespace {

constexpr double little = 16e6;  // bytes of the responses that are kept at a time
constexpr std::chrono::milliseconds patience{50};  // until who waits looks whether the run goes on

}  // namespace

Reaction::Reaction(Response response, const Grid& grid)
    : response_(std::move(response)),
      terms_(grid.space().terms().size()),
      lanes_(grid.stages().size() * terms_) {}

const Lanes& Reaction::lanes(std::size_t stage, std::size_t term, const std::function<void(Lanes&)>& build) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  auto& lanes = lanes_[stage * terms_ + term];
  if (!lanes) {
    auto made = std::make_unique<Lanes>();
    build(*made);
    lanes = std::move(made);
  }
  return *lanes;
}

Responses::Responses(const Problem& problem) : places_(static_cast<std::size_t>(problem.inputs.rows())) {
  if (!problem.grid.stages().empty()) lowest_ = problem.grid.stages().front().layer;
  const double bytes = Response::bytes(problem.network, lowest_);
  large_ = bytes > little;
  all_ = static_cast<double>(places_.size()) * bytes <= little;
  room_ = all_ ? places_.size() : static_cast<std::size_t>(std::max(1.0, little / bytes));
}

Responses::Use Responses::use(Index input, const Make& make) {
  const auto at = static_cast<std::size_t>(input);
  std::unique_lock<std::mutex> lock(mutex_);
  if (!places_[at].reaction) wait(lock, at);
  if (!places_[at].reaction) produce(lock, at, make);
  ++places_[at].users;
  return {*this, at};
}

/// Until there is the reaction, or it is for this worker to make it.
void Responses::wait(std::unique_lock<std::mutex>& lock, std::size_t input) {
  Place& place = places_[input];
  struct Waiting {
    int& count;
    explicit Waiting(int& c) : count(++c) {}
    ~Waiting() { --count; }
  } const waiting(place.waiting);
  while (!place.reaction) {
    if (!place.making && has_turn(input) && find_room()) return;
    changed_.wait_for(lock, patience);
    lock.unlock();
    const bool on = goes_on();
    lock.lock();
    if (!on) throw Interrupted{};
  }
}

/// Without the lock: others go on with what there is.
void Responses::produce(std::unique_lock<std::mutex>& lock, std::size_t input, const Make& make) {
  Place& place = places_[input];
  place.making = true;
  last_ = input;
  ++held_;
  const auto done = [&](std::unique_ptr<Reaction> reaction) {
    lock.lock();
    place.making = false;
    if (!reaction) --held_;
    place.reaction = std::move(reaction);
    changed_.notify_all();
  };
  lock.unlock();
  try {
    done(make());
  } catch (...) {
    done(nullptr);
    throw;
  }
}

/// Whether no input between the last one made and this one, going round, is waited for.
bool Responses::has_turn(std::size_t input) const {
  for (std::size_t i = (last_ + 1) % places_.size(); i != input; i = (i + 1) % places_.size())
    if (places_[i].waiting > 0 && !places_[i].reaction && !places_[i].making) return false;
  return true;
}

/// Room for one more: that of a reaction which nobody uses, where there is no other.
bool Responses::find_room() {
  if (held_ < room_) return true;
  const auto idle = std::find_if(places_.begin(), places_.end(), [](const Place& place) {
    return place.reaction && place.users == 0 && place.waiting == 0;
  });
  if (idle == places_.end()) return false;
  idle->reaction.reset();
  --held_;
  return true;
}

void Responses::release(std::size_t input) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (--places_[input].users == 0) changed_.notify_all();
}

}  // namespace withstand::enumerate
