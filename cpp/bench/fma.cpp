// SPDX-License-Identifier: MIT
// Compiled for the machine it is built on; a file of its own, since Eigen's types depend on such flags.
#include <algorithm>
#include <ctime>

/// The most that registers allow: twelve independent chains of vectors, more than the latency of two units hides.
double fused_multiply_adds() {
#if defined(__AVX512F__)
  constexpr int lanes = 8;
#else
  constexpr int lanes = 4;
#endif
  typedef double Pack __attribute__((vector_size(lanes * 8)));
  constexpr int chains = 12;
  constexpr long rounds = 4000000;
  double best = 0;
  for (int repeat = 0; repeat < 8; ++repeat) {
    Pack sum[chains], factor;
    for (int lane = 0; lane < lanes; ++lane) factor[lane] = 1.0 / (1 + repeat + lane);
    for (int c = 0; c < chains; ++c) sum[c] = factor * c;
    const double start = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    for (long i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
      for (int c = 0; c < chains; ++c) sum[c] = sum[c] * factor + factor;
    }
    const double spent = static_cast<double>(std::clock()) / CLOCKS_PER_SEC - start;
    double total = 0;
    for (int c = 0; c < chains; ++c) total += sum[c][0];
    if (total != 0) best = std::max(best, 2.0 * lanes * chains * static_cast<double>(rounds) / spent);
  }
  return best;
}
