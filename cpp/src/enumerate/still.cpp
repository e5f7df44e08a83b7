// SPDX-License-Identifier: MIT
#include <cmath>

#include "failure/effects.hpp"
#include "problem.hpp"

namespace withstand::enumerate {

namespace {

/// Receivers that hear some sender that moves, as 1, and others as 0.
Vector heard(const Affine& map, const Vector& moved) {
  Vector sums = Vector::Zero(map.rows());
  const Matrix* const dense = map.matrix();
  if (dense == nullptr) map.absolute_multiply_add(1, moved.data(), 1, sums.data(), 1);
  for (Index j = 0; dense != nullptr && j < map.rows(); ++j)
    for (Index i = 0; sums(j) == 0 && i < map.cols(); ++i) sums(j) = std::abs((*dense)(j, i)) * moved(i);  // most hear the first
  return (sums.array() != 0).cast<double>();
}

}  // namespace

std::vector<bool> still_outputs(const Network& net, const Space& space) {
  Vector moved = Vector::Zero(net.inputs());
  std::vector<Site> places;
  for (Index l = 0; l <= net.layers(); ++l) {
    if (l > 0) moved = heard(net.map(l), moved);
    for (const Space::Term& term : space.terms()) {
      for (const Site& site : term.sites[static_cast<std::size_t>(l)]) {
        moved(site.to) = 1;
        if (!site.is_parameter() || term.struck[static_cast<std::size_t>(l)].places == 1) continue;
        places_of(net, term, site, places);
        for (const Site& place : places) moved(place.to) = 1;
      }
      for (const auto& group : term.members)
        for (const Site& site : group.second)
          if (site.layer == l) moved(site.to) = 1;
    }
  }
  std::vector<bool> still;
  for (Index o = 0; o < net.outputs(); ++o) still.push_back(moved(o) == 0);
  return still;
}

}  // namespace withstand::enumerate
