// SPDX-License-Identifier: MIT
#include <random>

#include "check.hpp"
#include "withstand/parallel.hpp"
#include "core/product.hpp"

using namespace withstand;

namespace {

struct Never : Interrupter {
  bool goes_on(bool) override { return false; }
};

}  // namespace

/// A product in parts, so large that there are interruption points in between.
int main() {
  std::mt19937 random(3);
  std::normal_distribution<double> normal;
  const auto draw = [&](Index rows, Index cols) {
    return Matrix(Matrix::NullaryExpr(rows, cols, [&] { return normal(random); }));
  };
  const Index rows = 41, cols = 4000, inner = 3000;  // 2^28 is 22 rows of it
  const Matrix a = draw(rows, inner), b = draw(inner, cols);
  Matrix whole = Matrix::Zero(rows, cols);
  add_product(rows, cols, inner, a.data(), inner, b.data(), cols, whole.data(), cols);
  for (const Index r : {Index{0}, Index{8}, Index{21}, Index{40}}) {
    const Matrix one = a.row(r) * b;
    CHECK((whole.row(r) - one).cwiseAbs().maxCoeff() < 1e-9);
  }
  Never never;
  const Interruptible here(never);
  bool interrupted = false;
  try {
    add_product(1, 1, 1, a.data(), 1, b.data(), 1, whole.data(), 1);
  } catch (const Interrupted&) {
    interrupted = true;
  }
  CHECK(interrupted);
}
