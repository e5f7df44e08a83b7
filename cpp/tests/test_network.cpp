// SPDX-License-Identifier: MIT
// What a network knows of its weights is never below the truth, however small or large they are.
#include <cmath>

#include "check.hpp"
#include "withstand/network.hpp"

using withstand::Activation;
using withstand::Matrix;
using withstand::Network;
using withstand::Vector;

int main() {
  for (const double scale : {1.0, 0x1p-1000, 0x1p-600, 0x1p600}) {
    Matrix first(2, 2), second(1, 2);
    first << 3 * scale, -4 * scale, -1 * scale, 0;
    second << -2 * scale, -2 * scale;
    const Network net({first, second}, {Vector::Zero(2), Vector::Zero(1)}, {Activation("relu"), Activation("identity")});
    const withstand::WeightFacts& facts = net.map(1).facts();
    CHECK(facts.row_norm(0) >= 5 * scale && facts.row_norm(0) <= 5.001 * scale);
    CHECK(facts.row_norm(1) >= scale && facts.row_norm(1) <= 1.001 * scale);
    CHECK(facts.row_sum(0) >= 7 * scale && facts.row_sum(0) <= 7.001 * scale);
    CHECK(facts.row_max(0) == 4 * scale && facts.row_max(1) == scale && facts.max == 4 * scale);
    CHECK(net.map(2).facts().row_sum(0) >= 4 * scale && net.map(2).facts().max == 2 * scale);
  }
}
