// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include "bounds/fans.hpp"
#include "withstand/space.hpp"

// What failed groups and parameters are to a recursion over layers (docs/theory.md 15 and 16.2).
namespace withstand::bounds {

/// Groups with members in a layer, at most so many of which fail, and the most members of one there.
std::pair<Index, Index> struck_groups(const Space::Term& term, Index layer);

/// Failed parameters of a layer also multiply what their senders deviate by: w, rho and chi with them.
void grow(const Space::Term& term, Index layer, std::vector<Fan>& fans);

/// The same of the outputs; between two of them a parameter of either may change, or one of both.
void grow_outputs(const Space::Term& term, Index layers, bool difference, std::vector<Fan>& outputs);

}  // namespace withstand::bounds
