// SPDX-License-Identifier: MIT
#include "search/layered/layered.hpp"

#include <algorithm>

#include "walk.hpp"
#include "kernels/kernels.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

constexpr Index most_entries = Index{1} << 22;  ///< of a map that is laid out as a matrix though it is none: 32 MB

}  // namespace

Columns::Columns(const Network& net) : layers(static_cast<std::size_t>(net.layers()) + 1) {
  for (Index l = 1; l <= net.layers(); ++l) {
    interruption_point();
    const Index entries = padded(net.width(l));
    Layer& layer = layers[static_cast<std::size_t>(l)];
    layer.bias.assign(static_cast<std::size_t>(entries), 0);
    Eigen::Map<Vector>(layer.bias.data(), net.width(l)) = net.bias(l);
    if (net.map(l).matrix() == nullptr && net.width(l - 1) * entries > most_entries) {
      layer.map = &net.map(l);
      continue;
    }
    layer.entries.assign(static_cast<std::size_t>(net.width(l - 1) * entries), 0);
    Eigen::Map<Matrix> rows(layer.entries.data(), net.width(l - 1), entries);
    Terms terms;
    for (Index j = 0; j < net.width(l); ++j) {
      net.map(l).terms_of_row(j, terms);
      for (Index t = 0; t < terms.size; ++t) rows(terms.from == nullptr ? t : terms.from[t], j) = terms.weight[t];
    }
  }
}

void Columns::Layer::combine(const double* base, long count, const int* index, const double* scale, double* out) const {
  const auto padded = static_cast<long>(bias.size());
  if (map == nullptr) return kernels().combine(padded, base, count, index, scale, entries.data(), padded, out);
  if (out != base) std::copy_n(base, padded, out);
  if (count * 8 > map->cols()) {
    Vector y = Vector::Zero(map->cols());
    for (long n = 0; n < count; ++n) y(index[n]) = scale[n];
    return map->multiply_add(1, y.data(), 1, out, 1);
  }
  Few changes, reached;
  Affine::Scratch scratch;
  for (long n = 0; n < count; ++n) changes.add(index[n], scale[n]);
  map->reach(changes, reached, scratch);
  for (std::size_t n = 0; n < reached.at.size(); ++n) out[reached.at[n]] += reached.value[n];
}

Layered::Layered(const Problem& problem, const Choices& choices, double noise, Incumbent& incumbent, Budget& budget,
                 const Potential* potential)
    : walk_(std::make_unique<Walk>(problem, choices, noise, incumbent, budget, potential)) {}

Layered::~Layered() = default;

std::uint64_t Layered::parts() const { return walk_->parts().size(); }

Layered::Part Layered::part(std::uint64_t n) const { return walk_->parts()[n]; }

void Layered::run(std::uint64_t part) { walk_->run(walk_->parts()[part]); }

void Layered::run() {
  for (const Part& part : walk_->parts()) walk_->run(part);
}

std::uint64_t Layered::evaluations() const { return walk_->evaluations(); }

}  // namespace withstand::search
