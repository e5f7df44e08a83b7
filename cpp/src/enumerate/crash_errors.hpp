// SPDX-License-Identifier: MIT
#pragma once

#include "withstand/network.hpp"

namespace withstand::enumerate {

/// What the crash of each neuron that may fail does alone, at one input, to rounding: the worst error, or (`decisions`) the
/// largest lead over the intact class. Neurons by layer. What a crash reaches is followed, and nothing is evaluated
/// canonically: of a network of maps with few weights all crashes take as long as some hundred evaluations. Interruptible.
Vector crash_errors(const Network& network, ConstVectorRef input, bool decisions);

}  // namespace withstand::enumerate
