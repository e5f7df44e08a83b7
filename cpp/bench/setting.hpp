// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include "withstand/enumerate.hpp"
#include "kernels/kernels.hpp"

// Networks, inputs and failures of the benchmarks, the same on every machine.
namespace withstand {

/// Numbers in [-1, 1) from a linear congruential generator: the same everywhere.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed = 1) : state_(seed) {}
  double next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<double>(state_ >> 11) * 0x1p-52 - 1.0;
  }
  Matrix matrix(Index rows, Index columns, double scale) {
    Matrix values(rows, columns);
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j) values(i, j) = scale * next();
    return values;
  }

 private:
  std::uint64_t state_;
};

struct Setting {
  Network network;
  Matrix inputs;
};

inline Setting setting(const std::vector<Index>& widths, const char* activation, Index inputs, std::uint64_t seed = 1) {
  Numbers numbers(seed);
  std::vector<Matrix> weights;
  std::vector<Vector> biases;
  for (std::size_t l = 1; l < widths.size(); ++l) {
    weights.push_back(numbers.matrix(widths[l], widths[l - 1], 3.0 / std::sqrt(static_cast<double>(widths[l - 1]))));
    biases.push_back(numbers.matrix(widths[l], 1, 0.1));
  }
  std::vector<Activation> activations(widths.size() - 2, Activation(activation));
  activations.emplace_back("identity");
  return {Network(std::move(weights), std::move(biases), std::move(activations)),
          numbers.matrix(inputs, widths.front(), 1.0)};
}

inline Failure crash(std::vector<Index> counts, bool total) {
  Failure failure;
  failure.counts = std::move(counts);
  failure.total = total;
  return failure;
}

}  // namespace withstand
