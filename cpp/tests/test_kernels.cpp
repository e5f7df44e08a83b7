// SPDX-License-Identifier: MIT
#include "check.hpp"

#include <vector>

#include "withstand/kernels.hpp"
#include "withstand/types.hpp"

using namespace withstand;

int main() {
  CHECK(!available_variants().empty());
  for (Index m : {1, 3, 4, 9})
    for (Index n : {1, 4, 7, 12, 25})
      for (Index k : {1, 5, 64}) {
        const Matrix a = Matrix::Random(m, k), b = Matrix::Random(k, n), c = Matrix::Random(m, n);
        Matrix sum = c;
        kernels().multiply_add(m, n, k, a.data(), k, b.data(), n, sum.data(), n);
        CHECK((sum - (c + a * b)).cwiseAbs().maxCoeff() < 1e-13 * static_cast<double>(k));
      }
  for (long n = 0; n < 40; ++n)
    for (unsigned seed = 0; seed < 16; ++seed) {
      std::vector<double> values(static_cast<std::size_t>(n)), scale(values.size() + 4);
      std::vector<int> index(values.size() + 4), expected;
      for (std::size_t i = 0; i < values.size(); ++i) {
        if ((i * 7 + seed * (i + 3)) % 5 < 2) values[i] = i % 2 == 0 ? -1.5 - static_cast<double>(i) : 1e-320;
        else if (i % 3 == 0) values[i] = -0.0;
        if (values[i] != 0) expected.push_back(static_cast<int>(i));
      }
      CHECK(kernels().nonzero(n, values.data(), index.data(), scale.data()) == static_cast<long>(expected.size()));
      for (std::size_t c = 0; c < expected.size(); ++c) {
        CHECK(index[c] == expected[c]);
        CHECK(scale[c] == values[static_cast<std::size_t>(expected[c])]);
      }
    }
}
