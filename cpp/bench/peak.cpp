// SPDX-License-Identifier: MIT
// The enumeration without elimination beside the fused multiply-adds that one core can do: `withstand_peak` prints both
// in GFLOP/s, and their ratio.
#include <algorithm>
#include <cstdio>
#include <ctime>

#include "setting.hpp"

double fused_multiply_adds();  // per second, see fma.cpp

namespace {

using namespace withstand;

double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Multiplications and additions per second behind the first layer of 64-width-width-10, at most two crashes in layer 1.
double tail(Index width) {
  const Setting s = setting({64, 64, width, width, 10}, "relu", 16);
  Question question;
  question.eliminate = false;
  const Enumerator engine(s.network, Space(s.network, {crash({2, 0, 0}, false)}), s.inputs, question);
  const double column = 2.0 * static_cast<double>(width) * static_cast<double>(1 + width + 10);
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double start = seconds();
    const auto done = engine.run(0, engine.batches(), 1).count;
    const double evaluations = static_cast<double>(done) * static_cast<double>(s.inputs.rows());
    best = std::max(best, evaluations * column / (seconds() - start));
  }
  return best;
}

}  // namespace

int main() {
  const double most = fused_multiply_adds();
  std::printf("%s: %.1f GFLOP/s fused multiply-adds\n", kernels().name, most / 1e9);
  for (Index width : {64, 128, 256}) {
    const double rate = tail(width);
    const auto n = static_cast<long>(width);
    std::printf("64-64-%ld-%ld-10: %.1f GFLOP/s, %.0f %%\n", n, n, rate / 1e9, 100 * rate / most);
  }
}
