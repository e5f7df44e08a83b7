// SPDX-License-Identifier: MIT
#include <atomic>
#include <stdexcept>

#include "../bench/setting.hpp"
#include "check.hpp"
#include "enumerate/responses.hpp"
#include "withstand/parallel.hpp"

// Workers make each response once and hold no more of them than there is room for.
using namespace withstand;
using namespace withstand::enumerate;

namespace {

Problem problem(const std::vector<Index>& widths, Index inputs) {
  const Setting s = setting(widths, "relu", inputs);
  return {s.network, Grid(s.network, Space(s.network, {crash({1, 0}, false)}), 1024), s.inputs, Question(), {}, {}, {}, 0, false, {}};
}

/// Makes reactions by a response of a small network, and counts those that live.
struct Maker {
  Problem small = problem({2, 2, 2, 1}, 1);
  std::atomic<int> made{0};

  std::unique_ptr<Reaction> operator()() {
    ++made;
    const std::vector<Vector> pre = {Vector::Zero(2), Vector::Ones(2), Vector::Ones(2), Vector::Ones(1)};
    return std::make_unique<Reaction>(Response(small.network, pre, 1, -1, {}, 1), small.grid);
  }
};

constexpr int inputs = 3, rounds = 50;

/// Three workers go over all inputs again and again; returns how many reactions they made.
int made(const std::vector<Index>& widths, int workers) {
  const Problem asked = problem(widths, inputs);
  Responses responses(asked);
  Maker maker;
  std::atomic<int> users[inputs] = {};
  parallel_for(rounds, workers, [&](std::uint64_t, int) {
    for (int input = 0; input < inputs; ++input) {
      const Responses::Use use = responses.use(input, [&] { return maker(); });
      ++users[input];
      CHECK((*use).response().harms() == 1);
      for (int other = 0; other < inputs; ++other)
        CHECK(responses.all() || other == input || users[other] == 0);  // room for one
      --users[input];
    }
  });
  return maker.made;
}

void each_once() {
  CHECK(made({2, 8, 8, 1}, 3) == inputs);
  CHECK(made({2, 1024, 1024, 1}, 1) == rounds * inputs);
  const int together = made({2, 1024, 1024, 1}, 3);
  CHECK(together >= inputs && together <= rounds * inputs);
}

/// Who waits for room gives up when the run ends, and what cannot be made leaves room for the next.
void given_up() {
  struct Never : Interrupter {
    bool goes_on(bool) override { return false; }
  } never;
  const Problem asked = problem({2, 1024, 1024, 1}, 2);
  Responses responses(asked);
  Maker maker;
  CHECK(message_of<std::runtime_error>([&] {
          responses.use(1, []() -> std::unique_ptr<Reaction> { throw std::runtime_error("no memory"); });
        }) == "no memory");
  const Responses::Use use = responses.use(0, [&] { return maker(); });
  bool interrupted = false;
  try {
    const Interruptible here(never);
    responses.use(1, [&] { return maker(); });
  } catch (const Interrupted&) {
    interrupted = true;
  }
  CHECK(interrupted && maker.made == 1);
}

}  // namespace

int main() {
  each_once();
  given_up();
}
