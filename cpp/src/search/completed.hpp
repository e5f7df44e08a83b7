// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "search/choices.hpp"
#include "withstand/search.hpp"

namespace withstand::search {

/// Failures that change nothing make up the prescribed numbers: the witness with them, if there are enough.
std::optional<Witness> completed(const Network& network, const Choices& choices, Witness witness);

}  // namespace withstand::search
