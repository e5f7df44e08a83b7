// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/network.hpp"

namespace withstand::bounds {

/// How a layer reads one of its sources: graphs, docs/theory.md 14.
struct Fan {
  Index source = 0;
  double largest = 1;  ///< w: the largest |weight|
  double in = 1;       ///< rho: the largest sum of |weights| of a receiver
  double out = 1;      ///< chi: the largest sum of |weights| of a sender
};

/// Of every source that a layer reads. Sums are rounded up.
std::vector<Fan> fans(const Network& network, Index layer);

/// Of rows over the senders of the output layer: |a - b|, or |a| + |b| where the two `apart`; b may be none (-1).
std::vector<Fan> fans_of_outputs(const Network& network, Index plus, Index minus, bool apart);

}  // namespace withstand::bounds
