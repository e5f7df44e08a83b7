// SPDX-License-Identifier: MIT
#include <algorithm>

#include "bounds/linear/relaxation.hpp"

// Who may still fail, and which columns of the table of gains are theirs: term by term, layer by layer, so that the
// components that draw on one count are adjacent.
namespace withstand::bounds::linear {
namespace {

constexpr Index open = -1, alive = -2;

}  // namespace

void Relaxation::begin(const Prepared& prepared, const Restriction& restriction, Form form, bool intact) {
  given_ = &prepared;
  restriction_ = &restriction;
  form_ = form;
  intact_ = intact;
  empty_ = false;
  columns_ = 0;
  pools_.clear();
  const Network& net = prepared.net;
  layers_.resize(at(net.layers()) + 1);
  decided_.resize(layers_.size());
  for (Index l = 0; l <= net.layers(); ++l) {
    decided_[at(l)].assign(at(net.width(l)), open);
    Layer& layer = layers_[at(l)];
    layer.neurons.clear();
    layer.synapses.clear();
    layer.cuts.clear();
  }
  if (intact_) return;
  for (const Site& site : restriction.alive)
    if (!site.is_synapse()) decided_[at(site.layer)][at(site.to)] = alive;
  for (std::size_t f = 0; f < restriction.failed.size(); ++f) {
    const Site& site = restriction.failed[f].site;
    if (site.is_synapse()) layers_[at(site.layer)].cuts.push_back({site.to, site.from, true, {}});
    else decided_[at(site.layer)][at(site.to)] = static_cast<Index>(f);
  }
  for (std::size_t t = 0; t < prepared.space.terms().size(); ++t) lay_out(t);
}

void Relaxation::lay_out(std::size_t term) {
  const Failure& failure = given_->space.terms()[term].failure;
  if (failure.effect == Effect::noise) return;
  const bool synapses = on_synapses(failure.effect);
  Pool pool;
  pool.term = term;
  pool.exactly = failure.exactly;
  pool.synapses = synapses;
  for (Index l = 0; l <= given_->net.layers(); ++l) {
    const Index left = pool.budget = restriction_->remaining(given_->space, term, l);
    const Pool::Span span = left <= 0 ? Pool::Span{} : synapses ? open_synapses(term, l, left) : open_neurons(term, l);
    if (span.width > 0) pool.spans.push_back(span);
    columns_ += span.width;
    if (failure.total) continue;
    empty_ = empty_ || (failure.exactly && left > 0 && span.width == 0);
    if (span.width > 0) pools_.push_back(pool);
    pool.spans.clear();
  }
  if (!failure.total) return;
  empty_ = empty_ || (failure.exactly && pool.budget > 0 && pool.spans.empty());
  if (!pool.spans.empty()) pools_.push_back(pool);
}

Pool::Span Relaxation::open_neurons(std::size_t term, Index l) {
  if (l > given_->net.depth()) return {};
  Neurons neurons;
  neurons.term = term;
  neurons.first = columns_;
  neurons.open = given_->candidate[term][at(l)];
  neurons.open.resize(at(given_->net.own(l)));
  for (std::size_t i = 0; i < neurons.open.size(); ++i) neurons.open[i] &= decided_[at(l)][i] == open;
  if (std::find(neurons.open.begin(), neurons.open.end(), 1) == neurons.open.end()) return {};
  std::vector<Neurons>& all = layers_[at(l)].neurons;
  all.push_back(std::move(neurons));
  return {l, all.size() - 1, columns_, given_->net.own(l)};
}

Pool::Span Relaxation::open_synapses(std::size_t term, Index l, Index left) {
  const std::vector<Site>& sites = given_->space.terms()[term].sites[at(l)];
  if (sites.empty()) return {};
  Synapses synapses;
  synapses.term = term;
  synapses.first = columns_;
  synapses.keep = std::min(left, given_->net.width(l - 1));
  const Index width = 2 * synapses.keep * given_->net.width(l);
  std::vector<Synapses>& all = layers_[at(l)].synapses;
  all.push_back(std::move(synapses));
  return {l, all.size() - 1, columns_, width};
}

}  // namespace withstand::bounds::linear
