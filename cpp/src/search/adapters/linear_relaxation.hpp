// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "withstand/harm.hpp"
#include "search/relaxation.hpp"
#include "withstand/space.hpp"

namespace withstand::search {

/// The linear bound as a relaxation of a search at one input.
/// Keeps references to the network, the space, the choices and the harm.
std::unique_ptr<Relaxation> linear_relaxation(const Network& network, const Space& space, const Choices& choices,
                                              const Harm& harm, ConstVectorRef input);

/// Multiply-adds of one bound, an order of magnitude.
double cost_of_linear(const Network& network);

}  // namespace withstand::search
