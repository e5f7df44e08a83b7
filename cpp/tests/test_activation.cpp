// SPDX-License-Identifier: MIT
#include <cmath>
#include <stdexcept>

#include "check.hpp"
#include "withstand/activation.hpp"
#include "core/rounding.hpp"

using withstand::Activation;

int main() {
  const char* names[] = {"logistic", "tanh", "relu", "leaky_relu", "hard_tanh", "clip", "elu", "softplus", "identity"};
  for (const char* name : names) {
    const Activation phi(name, 1.5);
    CHECK(phi.name() == name);
    // nondecreasing, inside its range, and within its modulus of continuity
    for (double s = -6; s < 6; s += 0.125) {
      for (double eta : {0.0, 0.01, 0.5, 3.0}) {
        const double step = phi(s + eta) - phi(s);
        CHECK(step >= 0);
        CHECK(step <= phi.modulus(eta) + 1e-15);
        CHECK(phi.modulus(eta) <= withstand::mul_up(phi.lipschitz(), eta));  // both are rounded up
      }
      CHECK(phi(s) >= phi.infimum() && phi(s) <= phi.supremum());
    }
  }
  CHECK(Activation("logistic")(0) == 0.5);
  CHECK(Activation("logistic")(-800) >= 0 && std::isfinite(Activation("softplus")(800)));
  CHECK(Activation("logistic", 4).lipschitz() == 1);
  CHECK(Activation("clip")(0.25) == 0.75);
  CHECK(Activation("elu").slope() == 1 && Activation("leaky_relu").slope() == 0.01);
  CHECK(message_of<std::invalid_argument>([] { Activation("sine"); }).find("unknown activation 'sine'") == 0);
  CHECK(message_of<std::invalid_argument>([] { Activation("relu", -1); }).find("gain must be positive") !=
        std::string::npos);
  CHECK(message_of<std::invalid_argument>([] { Activation("relu", 1, 0.5); }).find("has no slope") !=
        std::string::npos);
}
