// SPDX-License-Identifier: MIT
#include "parts.hpp"

#include <algorithm>
#include <cmath>

#include "failure/effects.hpp"
#include "withstand/failed.hpp"

namespace withstand::enumerate {

Parts::Parts(const Problem& problem) : problem_(problem), net_(problem.network), grid_(problem.grid) {
  if (grid_.plain()) return;
  for (const Grid::Stage& stage : grid_.stages()) places_.emplace_back(stage.sites.size());
}

void Parts::begin(const Walk& walk) { walk_ = &walk; }

Index Parts::layer_of(const Choice* choices, std::size_t count) const {
  if (problem_.canonical) return net_.layers();
  Index last = 0;
  for (std::size_t d = 0; d < count; ++d) {
    const Grid::Stage& stage = grid_.stages()[static_cast<std::size_t>(choices[d].stage)];
    last = std::max(last, stage.layer);
    for (const Space::Term& term : grid_.space().terms())  // groups may reach further; any of them may be chosen here
      for (const auto& [first, members] : term.members)
        if (first.layer == stage.layer) last = std::max(last, members.back().layer);
  }
  return last;
}

const std::vector<Site>& Parts::places(const Choice& choice) {
  std::vector<Site>& known = places_[static_cast<std::size_t>(choice.stage)][static_cast<std::size_t>(choice.position)];
  if (!known.empty()) return known;
  const Manner& manner = grid_.manners()[static_cast<std::size_t>(choice.manner)];
  places_of(net_, grid_.space().terms()[manner.term], grid_.site(choice), known);
  return known;
}

void Parts::gather(const Choice* choices, std::size_t count) {
  parts_.clear();
  for (std::size_t d = 0; d < count; ++d)
    for (const Site& site : places(choices[d]))
      parts_.push_back({site, static_cast<std::size_t>(choices[d].manner), grid_.site(choices[d])});
  if (parts_.size() > 1) settle(parts_);
}

/// Strike a layer whose sums and signals are those of its neurons without its own failures. False: a way is infinite.
bool Parts::strike(Index layer, std::size_t& next) {
  const auto sends_here = [&](const Part& part, double signal, double weight) {
    const Manner& manner = grid_.manners()[part.manner];
    return sends(grid_.space().terms()[manner.term].failure, manner.way, part.component, signal, weight);
  };
  while (next < parts_.size() && parts_[next].site.layer == layer) {
    const Index to = parts_[next].site.to;
    const bool neuron = !parts_[next].site.is_synapse();  // sorts before the neuron's synapses
    const std::size_t first = next;
    for (next += neuron ? 1 : 0; next < parts_.size() && parts_[next].site.layer == layer && parts_[next].site.to == to; ++next) {
      const Site& site = parts_[next].site;
      const double signal = site.from == Site::one ? 1 : before_(site.from);
      const double weight = site.from == Site::one ? net_.bias(layer)(to) : net_.map(layer).weight(to, site.from);
      const double sent = sends_here(parts_[next], signal, weight);
      if (!std::isfinite(sent)) return false;
      pre_(to) += sent - weight * signal;
    }
    if (neuron) post_(to) = sends_here(parts_[first], post_(to), 1);
    else activate(net_.activation(layer, to), &(post_(to) = pre_(to)), 1);
    if (!std::isfinite(post_(to))) return false;
  }
  return true;
}

void Parts::unbounded(double* column, Index ld) const {
  const Index intact = problem_.decision[static_cast<std::size_t>(walk_->input())];
  for (Index o = 0; o < net_.outputs(); ++o)
    column[o * ld] = problem_.question.decisions && o == intact ? 0 : std::numeric_limits<double>::infinity();
}

void Parts::canonical(const Choice* choices, std::size_t count, double* column, Index ld) const {
  const Trace& nominal = problem_.nominal[static_cast<std::size_t>(walk_->input())];
  const std::vector<Forced> forced = forced_by(net_, grid_.space(), nominal, grid_.failed(choices, count));
  if (!is_finite(forced)) return unbounded(column, ld);
  const Vector outputs = forward(net_, nominal, forced);
  for (Index o = 0; o < net_.outputs(); ++o) column[o * ld] = outputs(o);
}

void Parts::run(const Choice* choices, std::size_t count, Index until, double* column, Index ld) {
  if (problem_.canonical) return canonical(choices, count, column, ld);
  gather(choices, count);
  std::size_t next = 0;
  Index layer = parts_.front().site.layer;
  if (layer > 0) before_ = walk_->post(layer - 1);
  pre_ = walk_->pre(layer);
  post_ = walk_->post(layer);
  bool finite = strike(layer, next);
  for (++layer; layer <= until; ++layer) {
    before_.swap(post_);
    pre_ = net_.bias(layer);
    net_.map(layer).receive(before_.data(), pre_.data());
    post_ = pre_;
    activate(net_.activation(layer), post_.data(), net_.own(layer));
    finite = strike(layer, next) && finite;
  }
  if (!finite) throw std::logic_error("an infinite way outside the canonical evaluation");
  for (Index i = 0; i < post_.size(); ++i) column[i * ld] = post_(i);
}

}  // namespace withstand::enumerate
