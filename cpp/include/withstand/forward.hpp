// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/failure.hpp"
#include "withstand/network.hpp"

namespace withstand {

/// A neuron or a synapse held at a value: what a neuron transmits, or what replaces weight * signal on a synapse (of a
/// bias, which is the synapse of a sender that transmits 1, what replaces it).
struct Forced {
  Site site;
  double value = 0;
};

/// What one execution computed: pre[l] = s^(l) for l = 1..L+1 and post[l] = y^(l) for l = 0..L+1 (pre[0] is empty).
struct Trace {
  std::vector<Vector> pre;
  std::vector<Vector> post;
};

/// The canonical evaluation of a network at one input, with some components forced. Every reported error comes from
/// here: the order of its operations is fixed, whatever the number of threads, the batch or the instruction set.
/// `forced` must be sorted by site, without repetition. Throws std::invalid_argument for a site that does not exist.
Trace trace(const Network& network, ConstVectorRef input, const std::vector<Forced>& forced = {});

/// Outputs only.
Vector forward(const Network& network, ConstVectorRef input, const std::vector<Forced>& forced = {});

/// The same numbers from the execution without failures: what comes before the first failure is not computed again.
Vector forward(const Network& network, const Trace& nominal, const std::vector<Forced>& forced);

/// Outputs (n x m) at every row of `inputs` (n x d): row by row the same numbers as `forward`.
Matrix forward_batch(const Network& network, const ConstMatrixRef& inputs, const std::vector<Forced>& forced = {});

}  // namespace withstand
