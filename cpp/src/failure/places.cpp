// SPDX-License-Identifier: MIT
// Components that are several neurons or synapses: groups, and parameters, which a convolution uses in many places.
#include "core/require.hpp"
#include "failure/effects.hpp"

namespace withstand {

/// Of the biases of a layer, where they may fail: for each own neuron the first one that shares its bias.
const std::vector<Index>* shared_biases(const Network& net, const Failure& failure, Index layer) {
  if (!failure.biases) return nullptr;
  require(static_cast<Index>(failure.biases->size()) == net.layers() + 1, "biases of ",
          failure.biases->size(), " layers for ", net.layers() + 1);
  const std::vector<Index>& shared = (*failure.biases)[static_cast<std::size_t>(layer)];
  require(shared.empty() || static_cast<Index>(shared.size()) == net.own(layer), shared.size(),
          " biases for ", net.own(layer), " neurons of layer ", layer);
  return shared.empty() ? nullptr : &shared;
}

double stored(const Network& net, const Site& site) {
  return site.is_bias() ? net.bias(site.layer)(site.to) : net.map(site.layer).weight(site.to, site.sender());
}

void places_of(const Network& net, const Space::Term& term, const Site& site, std::vector<Site>& places) {
  places.clear();
  if (site.is_bias() && site.is_parameter()) {
    const std::vector<Index>& shared = *shared_biases(net, term.failure, site.layer);
    for (Index j = 0; j < net.own(site.layer); ++j)
      if (shared[static_cast<std::size_t>(j)] == site.to) places.push_back({site.layer, j, Site::one});
  } else if (site.is_parameter()) {
    std::vector<Affine::Place> shared;
    net.map(site.layer).shared(site.to, site.sender(), shared);
    for (const Affine::Place& place : shared) places.push_back({site.layer, place.to, place.from});
  } else if (term.grouped()) {
    places = term.members.at(site);
  } else {
    places.push_back(site);
  }
}

}  // namespace withstand
