// SPDX-License-Identifier: MIT
#include "check.hpp"
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
}
