// SPDX-License-Identifier: MIT
#include "failure/effects.hpp"
#include "problem.hpp"

namespace withstand::enumerate {

std::vector<bool> still_outputs(const Network& net, const Space& space) {
  Vector moved = Vector::Zero(net.inputs());
  std::vector<Site> places;
  for (Index l = 0; l <= net.layers(); ++l) {
    if (l > 0) {
      const Vector before = moved;
      moved.setZero(net.width(l));
      net.map(l).absolute_multiply_add(1, before.data(), 1, moved.data(), 1);
      moved = (moved.array() != 0).cast<double>();
    }
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
