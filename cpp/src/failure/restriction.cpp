// SPDX-License-Identifier: MIT
#include "withstand/restriction.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "failure/effects.hpp"
#include "failure/site_name.hpp"

namespace withstand {
namespace {

/// Where in `left[term]` the failures of a layer are counted.
std::size_t slot(const Space& space, std::size_t term, Index layer) {
  return space.terms()[term].failure.total ? 0 : static_cast<std::size_t>(layer - 1);
}

}  // namespace

Restriction::Restriction(const Space& space) {
  for (const Space::Term& term : space.terms()) left.push_back(term.failure.counts);
}

Index Restriction::remaining(const Space& space, std::size_t term, Index layer) const {
  if (space.terms()[term].failure.total) return left[term].front();
  return layer >= 1 && layer <= static_cast<Index>(left[term].size()) ? left[term][slot(space, term, layer)] : 0;
}

void Restriction::fail(const Space& space, const Site& site, std::size_t term) {
  const Failure& failure = space.terms().at(term).failure;
  if (remaining(space, term, site.layer) <= 0)
    throw std::invalid_argument(failure.describe() + ": no failure is left for component " + name_of(site));
  const Interval free = freedom(failure, site);
  failed.push_back({site, term, free.lower, free.upper});
  --left[term][slot(space, term, site.layer)];
}

void check(const Restriction& restriction, const Space& space) {
  const auto require = [](bool holds, const std::string& message) {
    if (!holds) throw std::invalid_argument("restriction: " + message);
  };
  require(restriction.left.size() == space.terms().size(), "one list of counts per term of the space is needed");
  for (std::size_t t = 0; t < restriction.left.size(); ++t) {
    const std::vector<Index>& left = restriction.left[t];
    require(left.size() == space.terms()[t].failure.counts.size(), "the counts left must be laid out as the term's");
    for (Index count : left) require(count >= 0, "counts left must be at least 0, got " + std::to_string(count));
  }
  std::vector<Site> decided = restriction.alive;
  for (const Restriction::Failed& f : restriction.failed) {
    require(f.term < space.terms().size() && space.terms()[f.term].has(f.site),
            "component " + name_of(f.site) + " is no candidate of its term");
    require(f.lower <= f.upper, "component " + name_of(f.site) + " transmits an empty range");
    decided.push_back(f.site);
  }
  std::sort(decided.begin(), decided.end());
  const auto twice = std::adjacent_find(decided.begin(), decided.end());
  require(twice == decided.end(), twice == decided.end() ? "" : "component " + name_of(*twice) + " is decided twice");
}

}  // namespace withstand
