// SPDX-License-Identifier: MIT
// A graph as a chain: what a later layer reads of an earlier one is carried past the layers between on wires.
#include <algorithm>

#include "core/require.hpp"
#include "network/blocks.hpp"
#include "network/sparse.hpp"
#include "withstand/network.hpp"
#include "withstand/selection.hpp"

namespace withstand {
namespace {

std::size_t index(Index i) { return static_cast<std::size_t>(i); }

/// The sizes of the inputs and of every layer of a graph whose reads fit together.
std::vector<Index> sizes_of(Index inputs, const std::vector<Layer>& layers) {
  std::vector<Index> sizes{inputs};
  for (const Layer& layer : layers) {
    const std::size_t l = sizes.size();
    const Index own = layer.bias.size;
    require(!layer.reads.empty(), "layer ", l, " reads nothing");
    for (const Read& read : layer.reads) {
      require(read.source >= 0 && index(read.source) < l, "layer ", l, " reads layer ", read.source,
              ", a layer reads earlier ones");
      const Index size = sizes[index(read.source)];
      const Index rows = read.map ? read.map->rows() : size, cols = read.map ? read.map->cols() : size;
      require(cols == size, "layer ", l, ": a map of ", cols, " senders reads layer ", read.source, ", which has ", size,
              " neurons");
      require(rows == own, "layer ", l, ": a map has ", rows, " receivers, the layer has ", own, " neurons");
    }
    sizes.push_back(own);
  }
  return sizes;
}

/// What a layer reads, each source once where nothing but selections reads it: a mean may have a read for every place.
std::vector<Read> joined(const Layer& layer) {
  std::vector<Read> reads;
  for (const Read& read : layer.reads) {
    const auto same = [&](const Read& other) { return other.source == read.source; };
    if (std::any_of(reads.begin(), reads.end(), same)) continue;
    std::vector<std::shared_ptr<const Affine>> maps;
    bool selections = true;
    for (const Read& other : layer.reads) {
      if (!same(other)) continue;
      maps.push_back(other.map ? other.map : Selection::identity(layer.bias.size));
      selections = selections && dynamic_cast<const Selection*>(maps.back().get()) != nullptr;
    }
    if (maps.size() > 1 && selections) maps = {std::make_shared<const Sparse>(std::move(maps))};
    for (auto& map : maps) reads.push_back({read.source, std::move(map)});
  }
  return reads;
}

/// The last layer that reads each.
std::vector<std::size_t> last_readers(const std::vector<Layer>& layers) {
  std::vector<std::size_t> last(layers.size() + 1, 0);
  for (std::size_t l = 1; l <= layers.size(); ++l)
    for (const Read& read : layers[l - 1].reads) last[index(read.source)] = l;
  return last;
}

}  // namespace

void Network::lower(Index inputs, const std::vector<Layer>& layers) {
  const std::vector<Index> sizes = sizes_of(inputs, layers);
  const std::vector<std::size_t> last = last_readers(layers);
  Index before = inputs;
  offsets_.assign(1, std::vector<Index>(sizes.size(), -1));
  offsets_[0][0] = 0;
  for (std::size_t l = 1; l <= layers.size(); ++l) {
    const Layer& layer = layers[l - 1];
    std::vector<Blocks::Block> blocks;
    reads_.push_back(joined(layer));
    for (const Read& read : reads_.back()) blocks.push_back({0, offsets_[l - 1][index(read.source)], read.map});
    std::vector<Index> offsets(sizes.size(), -1);
    offsets[l] = 0;
    Index width = sizes[l];
    for (std::size_t source = 0; source < l; ++source) {
      if (last[source] <= l) continue;
      blocks.push_back({width, offsets_[l - 1][source], Selection::identity(sizes[source])});
      offsets[source] = width;
      width += sizes[source];
    }
    const bool plain = blocks.size() == 1 && blocks.front().map->cols() == before;
    maps_.push_back(plain ? blocks.front().map : std::make_shared<const Blocks>(width, before, std::move(blocks)));
    biases_.push_back(std::make_shared<const Biases>(layer.bias, width));
    activations_.push_back(layer.phi);
    own_.push_back(sizes[l]);
    may_fail_.push_back(layer.may_fail || l == layers.size());
    offsets_.push_back(std::move(offsets));
    graph_ = graph_ || width > sizes[l] || !may_fail_.back();
    before = width;
  }
}

}  // namespace withstand
