// SPDX-License-Identifier: MIT
// A graph as a chain: what a later layer reads of an earlier one is carried past the layers between on wires.
#include "core/require.hpp"
#include "network/blocks.hpp"
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
    const Index own = layer.bias.size();
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
    for (const Read& read : layer.reads) {
      const Index column = offsets_[l - 1][index(read.source)];
      blocks.push_back({0, column, read.map ? read.map : Selection::identity(sizes[l])});
    }
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
    Vector bias = Vector::Zero(width);
    bias.head(sizes[l]) = layer.bias;
    biases_.push_back(std::move(bias));
    activations_.push_back(layer.phi);
    own_.push_back(sizes[l]);
    may_fail_.push_back(layer.may_fail || l == layers.size());
    reads_.push_back(layer.reads);
    offsets_.push_back(std::move(offsets));
    graph_ = graph_ || width > sizes[l] || !may_fail_.back();
    before = width;
  }
}

}  // namespace withstand
