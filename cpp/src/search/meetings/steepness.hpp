// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "search/choices.hpp"
#include "withstand/network.hpp"

namespace withstand::search {

/// Per layer from `lowest` to L and per neuron of it, wires included: the most that any of these objectives (rows on the
/// outputs' pre-activations) moves when one signal is off by 1 and nothing else fails upstream of it, whoever may fail
/// behind it, in any execution (docs/theory.md 12.6). Layers before `lowest` are empty.
std::vector<Vector> steepness(const Network& network, const Matrix& objectives, const Choices& choices, Index lowest);

}  // namespace withstand::search
