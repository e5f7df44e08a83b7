// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/forward.hpp"
#include "withstand/space.hpp"

// What failed components send at an input: the values of every witness come from here.
namespace withstand {

/// What failed components are held at, each neuron and synapse of them, sorted by site: layer by layer, as what one sends may
/// depend on what failed before it. Not finite where a way is infinite. Throws std::invalid_argument for a component that is no
/// candidate of its term, std::logic_error for a way that the effect does not have.
std::vector<Forced> forced_by(const Network& network, const Space& space, ConstVectorRef input,
                              const std::vector<Failed>& failed);

/// The same from the execution without failures.
std::vector<Forced> forced_by(const Network& network, const Space& space, const Trace& intact,
                              const std::vector<Failed>& failed);

/// Whether no way to fail is infinite; by convention that is infinite harm, and nothing is evaluated.
bool is_finite(const std::vector<Forced>& forced);

/// What stands for each failed component: what its neurons and synapses are held at, or what replaces a parameter.
std::vector<Forced> values_of(const Network& network, const Space& space, const std::vector<Forced>& forced,
                              const std::vector<Failed>& failed);

/// Outputs (n x m) with these components failed, at every row of `inputs` (n x d).
Matrix forward_batch(const Network& network, const Space& space, const ConstMatrixRef& inputs,
                     const std::vector<Failed>& failed);

/// The ways to fail of one component; where it may send any value of an interval, the ends of what is free.
std::vector<Failed> choices_of(const Failure& failure);

}  // namespace withstand
