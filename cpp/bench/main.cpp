// SPDX-License-Identifier: MIT
// Fixed small problems on one thread: `withstand_bench NAME` runs one and prints its answer, without a name it lists
// them. The work depends on nothing but the code and the instruction set, so counted instructions can be compared.
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "setting.hpp"
#include "withstand/bound.hpp"
#include "withstand/search.hpp"

namespace {

using namespace withstand;

double enumerated(const Setting& s, const Failure& failure) {
  const Enumerator engine(s.network, Space(s.network, {failure}), s.inputs, {});
  return engine.run(0, engine.batches(), 1).top.front().error;
}

double searched(const Setting& s, const Failure& failure) {
  SearchOptions options;
  options.threads = 1;
  return worst_case(s.network, Space(s.network, {failure}), Domain::points(s.inputs), options).upper;
}

double bounded(const Setting& s, const Failure& failure) {
  return bound(s.network, Space(s.network, {failure}), Domain::points(s.inputs), Method::linear, Goal::error, 1)
      .values.maxCoeff();
}

const std::vector<std::pair<std::string, std::function<double()>>> problems = {
    {"relu-first-layer", [] { return enumerated(setting({64, 64, 64, 10}, "relu", 16), crash({3, 0}, false)); }},
    {"relu-anywhere", [] { return enumerated(setting({5, 50, 50, 50, 50, 50, 50, 5}, "relu", 4), crash({2}, true)); }},
    {"logistic-anywhere", [] { return enumerated(setting({6, 48, 48, 48, 3}, "logistic", 8), crash({2}, true)); }},
    {"relu-last-layer", [] { return enumerated(setting({64, 64, 64, 10}, "relu", 16), crash({0, 3}, false)); }},
    {"search", [] { return searched(setting({64, 32, 32, 10}, "relu", 4), crash({4}, true)); }},
    {"linear-bound", [] { return bounded(setting({64, 64, 64, 10}, "relu", 16), crash({3}, true)); }},
};

}  // namespace

int main(int count, char** names) {
  for (const auto& [name, run] : problems) {
    if (count < 2) std::printf("%s\n", name.c_str());
    if (count == 2 && name == names[1]) return std::printf("%s %a\n", kernels().name, run()) < 0;
  }
  return count < 2 ? 0 : 2;
}
