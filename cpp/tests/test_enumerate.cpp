// SPDX-License-Identifier: MIT
#include "../bench/setting.hpp"
#include "check.hpp"
#include "withstand/enumerate.hpp"

// The enumeration by receivers that leave their linear piece is the one by whole products.
using namespace withstand;

namespace {

double value(const ExactSum& sum) {
  const auto [first, digits] = sum.digits();
  double total = 0;
  for (std::size_t i = 0; i < digits.size(); ++i)
    total += std::ldexp(static_cast<double>(digits[i]), 32 * (first + static_cast<int>(i)) - 1074);
  return total;
}

bool close(double a, double b) { return std::abs(a - b) <= 1e-12 * (std::abs(a) + std::abs(b)); }

void compare(const std::vector<Index>& widths, const char* activation, const Failure& failure, bool decisions) {
  const Setting s = setting(widths, activation, 7);
  Question question;
  question.decisions = decisions;
  if (!decisions) question.epsilon = 0.5;
  std::vector<Statistics> found;
  for (bool eliminate : {true, false}) {
    question.eliminate = eliminate;
    const Enumerator engine(s.network, Space(s.network, {failure}), s.inputs, question);
    found.push_back(engine.run(0, engine.batches(), 1));
    CHECK(found.back().count == engine.configurations());
  }
  const Statistics &a = found[0], &b = found[1];
  CHECK(a.exceeding == b.exceeding);
  CHECK(a.per_output == b.per_output);  // canonical: to the last bit
  CHECK(a.top.size() == b.top.size());
  for (std::size_t i = 0; i < a.top.size(); ++i) CHECK(!worse(a.top[i], b.top[i]) && !worse(b.top[i], a.top[i]));
  CHECK(close(value(a.sum), value(b.sum)) && close(value(a.squares), value(b.squares)));
}

/// Where the responses of all inputs take too much memory, workers share one at a time, and no number of them shows.
void shared_responses() {
  const Setting s = setting({4, 1024, 1024, 2}, "relu", 3);
  const Enumerator engine(s.network, Space(s.network, {crash({2, 0}, false)}), s.inputs, Question());
  const std::uint64_t first = engine.batches() / 2;
  const Statistics a = engine.run(first, first + 5, 1), b = engine.run(first, first + 5, 3);
  CHECK(a.count == 5 * engine.batch_size() && b.count == a.count);
  CHECK(a.per_output == b.per_output && value(a.sum) == value(b.sum) && value(a.squares) == value(b.squares));
  CHECK(!a.top.empty() && a.top.size() == b.top.size());
  for (std::size_t i = 0; i < a.top.size(); ++i) CHECK(!worse(a.top[i], b.top[i]) && !worse(b.top[i], a.top[i]));
}

}  // namespace

int main() {
  shared_responses();
  for (const char* activation : {"relu", "leaky_relu", "hard_tanh", "clip"})
    for (bool decisions : {false, true}) {
      compare({6, 20, 12, 5}, activation, crash({3, 0}, false), decisions);
      compare({6, 20, 12, 5}, activation, crash({2, 1}, false), decisions);
      compare({5, 9, 8, 7, 11}, activation, crash({3}, true), decisions);
      compare({4, 40, 2}, activation, crash({2}, true), decisions);
      compare({4, 7, 6, 5, 6, 3}, activation, crash({2, 0, 1, 0}, false), decisions);
    }
}
