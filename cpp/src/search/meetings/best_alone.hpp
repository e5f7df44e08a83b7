// SPDX-License-Identifier: MIT
#pragma once

#include "search/points.hpp"

namespace withstand::search {

/// Offer, for every given input and objective, the failures that alone add most to it, as many as may fail: something to
/// beat where the first bound is long in coming, in networks of maps of few weights. Takes a fifth of the time at most.
void offer_the_best_alone(const Network& network, const Domain& domain, const Choices& choices, Points& points,
                          Incumbent& incumbent, Budget& budget);

}  // namespace withstand::search
