// SPDX-License-Identifier: MIT
// What a user's program looks like: a network, a failed neuron, a failure space.
#include <cstdio>

#include "withstand/forward.hpp"
#include "withstand/space.hpp"
#include "withstand/variants.hpp"

int main() {
  using namespace withstand;
  const Network net({Matrix::Constant(8, 2, 0.5), Matrix::Constant(1, 8, 0.25)}, {Vector::Zero(8), Vector::Zero(1)},
                    {Activation("relu"), Activation("identity")});
  const Vector x = Vector::Ones(2);
  const double intact = forward(net, x)(0), failed = forward(net, x, {{{1, 3, -1}, 0.0}})(0);
  Failure crash;
  crash.counts = {2};
  std::printf("%s: %g -> %g, %s configurations\n", variant(), intact, failed,
              Space(net, {crash}).configurations()->to_string().c_str());
  return intact == 2.0 && failed == 1.75 ? 0 : 1;
}
