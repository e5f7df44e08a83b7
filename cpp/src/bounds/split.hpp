// SPDX-License-Identifier: MIT
#pragma once

#include "bounds/problem.hpp"

// The first failures are tried, one set after the other; what is left of the counts is bounded by the linear relaxation in the
// ranges that they leave (docs/theory.md 8.6).
namespace withstand::bounds {

/// Upper bounds of row * (F_failed - F), or of row * F_failed, at one input.
Vector split_rows(const Problem& problem, const Matrix& rows, bool faulty);

/// The same with sets of at most so many failures tried, one or more, whatever that takes.
Vector split_rows(const Problem& problem, const Matrix& rows, bool faulty, Index depth);

/// Whether only neurons fail, and what each sends is one of a few values.
bool splits(const Space& space);

/// Whether some failures can be tried in reasonable time; where none can, the linear relaxation is all there is.
bool tries_failures(const Problem& problem);

/// Multiply-adds that a method may be expected to take; `relaxed` are those of the linear relaxation.
double cost_of_split(const Network& network, const Space& space, double relaxed);

}  // namespace withstand::bounds
