// SPDX-License-Identifier: MIT
#pragma once

#include <optional>

#include "search/points.hpp"

namespace withstand::search {

/// What a search through sets of at most three failures has proved.
struct MeetingsProved {
  bool complete = false;
  double upper = 0;             ///< in real arithmetic: of everything where complete, else of what is open
  double error = 0, scale = 0;  ///< of precise evaluations; of what outputs sum up: the largest of all inputs
  std::uint64_t evaluations = 0;
};

/// The worst of at most three failures at given inputs, one input after the other. Nothing where `Meetings` do not
/// apply or would take too much memory.
std::optional<MeetingsProved> few_failures(const Network& network, const Domain& domain, const Choices& choices, Points& points,
                                       Incumbent& incumbent, Budget& budget, int threads);

}  // namespace withstand::search
