// SPDX-License-Identifier: MIT
// The last step of a build: may this network be released? Its exit code says it.
//
//   release_gate NETWORK INPUTS CRASHES EPSILON [SECONDS]     0 tolerated, 1 violated, 3 unknown, 2 wrong usage, 4 failed
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <stdexcept>

#include "gate.hpp"
#include "model.hpp"

namespace {

double number(const char* what, const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != 0) throw std::invalid_argument(std::string(what) + " must be a number, got " + text);
  return value;
}

withstand::Index count(const char* what, const char* text) {
  const double value = number(what, text);
  if (!(value >= 0 && value <= 1e9 && value == static_cast<double>(static_cast<withstand::Index>(value))))
    throw std::invalid_argument(std::string(what) + " must be a whole number, at least 0, got " + text);
  return static_cast<withstand::Index>(value);
}

}  // namespace

int main(int arguments, char** values) {
  if (arguments != 5 && arguments != 6) {
    std::fprintf(stderr, "usage: release_gate NETWORK INPUTS CRASHES EPSILON [SECONDS]\n");
    return 2;
  }
  try {
    Demand demand;
    demand.crashes = count("CRASHES", values[3]);
    demand.epsilon = number("EPSILON", values[4]);
    if (arguments == 6) demand.seconds = number("SECONDS", values[5]);
    const Decision decision = decide(read_network(values[1]), read_matrix(values[2]), demand);
    const char* word = decision.verdict == Verdict::tolerated ? "released" : "refused";
    std::printf("%s: %s\n", word, decision.reason.c_str());
    return static_cast<int>(decision.verdict);
  } catch (const std::invalid_argument& wrong) {
    std::fprintf(stderr, "release_gate: %s\n", wrong.what());
    return 2;
  } catch (const std::exception& failed) {
    std::fprintf(stderr, "release_gate: %s\n", failed.what());
    return 4;
  }
}
