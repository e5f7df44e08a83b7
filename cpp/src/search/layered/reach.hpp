// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "search/choices.hpp"

namespace withstand::search {

/// Intervals that hold in every execution a finite failure space allows, for every input between two corners.
struct Reach {
  std::vector<Vector> lower;  ///< of the pre-activations of layers 1..L+1 (entry 0 is empty)
  std::vector<Vector> upper;
  std::vector<Vector> noise;  ///< how far two double evaluations in different order can be apart, same layers
  std::vector<Vector> sent_noise;  ///< the same of what neurons transmit, layers 0..L+1
  std::vector<Vector> error;  ///< how far one with twice the digits can be from real arithmetic
  double output_noise = 0, output_error = 0;  ///< the largest of an output, behind its activation
  bool exact = false;  ///< no evaluation rounds anything: all numbers are small multiples of a power of two
};

/// Interval propagation with cardinality: a receiver's range grows by the largest gains that each quota can pay for.
/// Rounded outward. Cost: one pass over the weights and a selection per receiver and quota.
Reach reach(const Network& network, ConstVectorRef lower, ConstVectorRef upper, const Choices& choices);

}  // namespace withstand::search
