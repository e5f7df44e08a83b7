// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include "evaluate/ranges.hpp"
#include "withstand/activation.hpp"

// What one neuron does in both executions, where its activation bends at 0 alone: over the polygon of pre-activations
//
//   s in its range, s + η in its range, η in its range,
//
// cut where s = 0 and where s + η = 0, everything linear in (s, η, φ(s), φ(s + η)) is largest at a corner.
namespace withstand::bounds::linear {

/// A point of the graph: intact pre-activation and signal, and by how much the faulty ones deviate.
struct Corner {
  double eta = 0, s = 0;
  double delta = 0, y = 0;
};

/// No neuron has more, failed with any of an interval of values included.
constexpr std::size_t most_corners = 64;

/// phi is linear on both sides of 0, and 0 there; wires too.
bool bends_at_zero(const Activation& phi);

/// Appends the corners; false where the polygon is empty. They are as exact as a few roundings of the ranges' ends.
bool append_corners(const Activation& phi, Interval intact, Interval faulty, Interval deviation,
                    std::vector<Corner>& corners);

}  // namespace withstand::bounds::linear
