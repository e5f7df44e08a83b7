// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/types.hpp"

// The r largest of n gains: what r failures can add. The one place where they are selected. The sums add in different orders,
// each with a rounding bound for any order at its caller: an order is part of an answer's last bits.
namespace withstand {

/// Sum of the `count` largest of n gains, the worst that at most `count` failures add; gains below 0 are left out
/// unless `exactly`. Infinite when a gain is not a number; -infinity when `exactly` asks for more gains than there are.
double top_sum(const double* gains, Index n, Index count, bool exactly = false);

/// Sum of the `least` largest gains and of those among the next `most - least` that are positive; infinite when a gain is
/// not a number. Reorders the gains.
double top_between(std::vector<double>& gains, Index least, Index most);

/// The `count` largest values, largest first; all of them where there are fewer.
std::vector<double> top_values(std::vector<double> values, Index count);

/// Where the `count` largest positive ones of n gains are, largest first, ties by position.
std::vector<Index> top_indices(const double* gains, Index n, Index count);

/// Put the largest of n values in place of smaller ones in best[0..count), which is kept largest first; for few. False
/// at the first value that is not a number.
bool keep_largest(const double* values, Index n, double* best, Index count);

}  // namespace withstand
