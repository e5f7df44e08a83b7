// SPDX-License-Identifier: MIT
#include <stdexcept>

#include "check.hpp"
#include "withstand/forward.hpp"

using namespace withstand;

int main() {
  // The network G2 of docs/theory.md: y1 = (1, 2), y2 = (2, 1/4, 3/2), F = 9/4.
  const Matrix w1 = (Matrix(2, 1) << 1, 2).finished();
  const Matrix w2 = (Matrix(3, 2) << 1, 0.5, 0.25, -1, -0.5, 1).finished();
  const Matrix w3 = (Matrix(1, 3) << 1, -0.5, 0.25).finished();
  const std::vector<Activation> activations{Activation("relu"), Activation("relu"), Activation("identity")};
  const Network net({w1, w2, w3}, {Vector::Zero(2), Vector::Unit(3, 1) * 2, Vector::Zero(1)}, activations);
  const Vector x = Vector::Ones(1);
  CHECK(forward(net, x)(0) == 2.25);
  CHECK(trace(net, x).post[2] == Vector((Vector(3) << 2, 0.25, 1.5).finished()));
  CHECK(forward(net, x, {{{2, 0, -1}, 0.0}})(0) == 0.25);      // a crashed neuron
  CHECK(forward(net, x, {{{3, 0, 2}, 0.0}})(0) == 1.875);      // a crashed synapse into the output
  CHECK(forward(net, x, {{{2, 1, -1}, 3.0}, {{2, 1, 0}, 9.0}})(0) == forward(net, x, {{{2, 1, -1}, 3.0}})(0));
  CHECK(message_of<std::invalid_argument>([&] { forward(net, x, {{{3, 0, -1}, 0.0}}); }).find("outputs never fail") !=
        std::string::npos);
}
