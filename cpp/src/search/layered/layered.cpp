// SPDX-License-Identifier: MIT
#include "search/layered/layered.hpp"

#include "walk.hpp"
#include "kernels/kernels.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {

Columns::Columns(const Network& net) : layers(static_cast<std::size_t>(net.layers()) + 1) {
  const Index lanes = kernels().lanes;
  for (Index l = 1; l <= net.layers(); ++l) {
    interruption_point();
    const Index padded = (net.width(l) + lanes - 1) / lanes * lanes;
    Layer& layer = layers[static_cast<std::size_t>(l)];
    layer.rows = Matrix::Zero(net.width(l - 1), padded);
    Terms terms;
    for (Index j = 0; j < net.width(l); ++j) {
      net.map(l).terms_of_row(j, terms);
      for (Index t = 0; t < terms.size; ++t) layer.rows(terms.from == nullptr ? t : terms.from[t], j) = terms.weight[t];
    }
    layer.bias = Vector::Zero(padded);
    layer.bias.head(net.width(l)) = net.bias(l);
  }
}

Layered::Layered(const Problem& problem, const Choices& choices, double noise, Incumbent& incumbent, Budget& budget)
    : walk_(std::make_unique<Walk>(problem, choices, noise, incumbent, budget)) {}

Layered::~Layered() = default;

std::uint64_t Layered::parts() const { return walk_->parts().size(); }

void Layered::run(std::uint64_t part) { walk_->run(walk_->parts()[part]); }

void Layered::run() {
  for (const Walk::Part& part : walk_->parts()) walk_->run(part);
}

std::uint64_t Layered::evaluations() const { return walk_->evaluations(); }

}  // namespace withstand::search
