// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "lanes.hpp"
#include "problem.hpp"

namespace withstand::enumerate {

/// What all workers use at one input: its response, and the lanes of a term in a stage where nothing failed before.
class Reaction {
 public:
  Reaction(Response response, const Grid& grid);

  const Response& response() const { return response_; }
  /// Lanes that `build` makes the first time.
  const Lanes& lanes(std::size_t stage, std::size_t term, const std::function<void(Lanes&)>& build) const;

 private:
  Response response_;
  std::size_t terms_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Lanes>> lanes_;
};

/// The reactions of a run, each made once however many workers use it: those of all inputs where they are small, else as
/// many at a time as take little memory, at least one. Who wants another one waits until nobody uses one of these. All
/// workers take the inputs in the same order, and the turn goes round in that order too: whoever is behind catches up, so
/// that the workers soon go from input to input together.
class Responses {
 public:
  explicit Responses(const Problem& problem);

  Index lowest() const { return lowest_; }  ///< first layer that may fail
  bool large() const { return large_; }     ///< one alone takes more than little memory
  bool all() const { return all_; }         ///< those of all inputs are kept

  /// The use of a reaction, while it lives.
  class Use {
   public:
    Use(Responses& owner, std::size_t input) : owner_(owner), input_(input) {}
    ~Use() { owner_.release(input_); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    const Reaction& operator*() const { return *owner_.places_[input_].reaction; }

   private:
    Responses& owner_;
    std::size_t input_;
  };

  using Make = std::function<std::unique_ptr<Reaction>()>;
  /// The reaction at an input, which `make` makes where there is none yet. Interruptible.
  Use use(Index input, const Make& make);

 private:
  struct Place {
    std::unique_ptr<Reaction> reaction;
    bool making = false;
    int users = 0;
    int waiting = 0;
  };

  void wait(std::unique_lock<std::mutex>& lock, std::size_t input);
  void produce(std::unique_lock<std::mutex>& lock, std::size_t input, const Make& make);
  bool has_turn(std::size_t input) const;
  bool find_room();
  void release(std::size_t input);

  Index lowest_ = 0;
  bool large_ = false;
  bool all_ = false;
  std::size_t room_ = 1;     // for reactions at a time
  std::size_t held_ = 0;     // reactions that there are, or that somebody makes
  std::size_t last_ = 0;     // input whose reaction was made last
  std::vector<Place> places_;  // per input
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace withstand::enumerate
