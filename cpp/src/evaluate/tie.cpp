// SPDX-License-Identifier: MIT
#include "evaluate/tie.hpp"

#include "evaluate/ranges.hpp"

namespace withstand {

double scale_of(const Network& net, const Trace& intact) {
  const Vector& last = intact.post[static_cast<std::size_t>(net.depth())];
  return largest_sums(net, net.layers(), last.cwiseAbs()).maxCoeff();
}

}  // namespace withstand
