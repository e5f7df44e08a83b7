// SPDX-License-Identifier: MIT
#include "bounds/influence.hpp"

#include <algorithm>
#include <cmath>

#include "bounds/products.hpp"
#include "core/index.hpp"
#include "core/rounding.hpp"
#include "core/top_sum.hpp"
#include "failure/effects.hpp"
#include "withstand/parallel.hpp"

namespace withstand::bounds {
namespace {

constexpr double most_entries = 3e7;  // of the tables of one layer

Matrix dense_of(const Affine& map) {
  if (map.matrix() != nullptr) return *map.matrix();
  Matrix all(map.rows(), map.cols());
  Terms terms;
  for (Index j = 0; j < map.rows(); ++j) all.row(j) = Eigen::Map<const Vector>(map.row(j, terms), map.cols());
  return all;
}

}  // namespace

bool Influence::applies(const Network& net, const Space& space) {
  for (const Space::Term& term : space.terms()) {
    if (!is_counted(term.failure.effect) || on_synapses(term.failure.effect) || term.failure.equivocal) return false;
    if (term.reaches_through()) return false;
  }
  double senders = 0;
  for (Index l = 0; l <= net.depth(); ++l) senders += static_cast<double>(net.width(l));
  return senders * static_cast<double>(net.widest()) <= most_entries;
}

Influence::Influence(const Network& net, const Space& space, const Nominal& nominal)
    : net_(net), space_(space), nominal_(nominal), pre_(at(net.layers() + 1)), sent_(pre_.size()), slopes_(pre_.size()),
      rises_(space.terms().size(), std::vector<Matrix>(pre_.size())), falls_(rises_) {
  for (Index i = 0; i < net.inputs(); ++i) {
    sent_[0].push_back(nominal.post(0, i));
    slopes_[0].push_back({1, 1});
  }
  list_neurons(0);
  for (Index l = 1; l <= net.layers(); ++l) {
    interruption_point();
    hand_on(l);
    enter(l);
  }
}

/// From what changes do to layer l - 1 to what they do to layer l, whose senders they pass.
void Influence::hand_on(Index l) {
  const Matrix weights = dense_of(net_.map(l));
  const Matrix up = weights.cwiseMax(0.0), down = weights.cwiseMin(0.0), size = weights.cwiseAbs();
  const Index n = net_.width(l - 1);
  for (Table& table : arrive_) {
    for (Index j = 0; j < n; ++j) {
      const Interval slope = slopes_[at(l - 1)][at(j)];
      const double steepest = std::max(std::abs(slope.lower), std::abs(slope.upper));
      for (Index i = 0; i < table.low.cols(); ++i) {
        const Interval before{table.low(j, i), table.high(j, i)};
        table.low(j, i) = least(before, slope);
        table.high(j, i) = most(before, slope);
        table.size(j, i) *= steepest;
      }
    }
    if (l == net_.layers()) before_.push_back(table);
    const Matrix low = up * table.low + down * table.high;
    const Matrix high = up * table.high + down * table.low;
    table.size = size * table.size;
    const double share = 4 * static_cast<double>(2 * n + 8) * unit_roundoff;
    table.low = low - share * table.size;
    table.high = high + share * table.size;
    interruption_point();
  }
  arrive_.push_back({weights, weights, size});
}

/// The most that any set moves a neuron's sum in one direction: the largest of what components before and those of its own
/// weights do.
double Influence::moved(Index l, Index k, double sign, const std::vector<Own>& own) const {
  std::vector<std::vector<std::vector<double>>> gains(space_.terms().size(),
                                                      std::vector<std::vector<double>>(at(net_.layers() + 1)));
  for (std::size_t t = 0; t < gains.size(); ++t)
    for (Index s = 0; s < l; ++s) {
      const Matrix &rises = rises_[t][at(s)], &falls = falls_[t][at(s)];
      const Table& table = arrive_[at(s)];
      for (Index i = 0; i < rises.rows(); ++i) {
        const double high = sign > 0 ? table.high(k, i) : -table.low(k, i);
        const double low = sign > 0 ? table.low(k, i) : -table.high(k, i);
        for (Index q = 0; q < rises.cols() && high > 0 && rises(i, q) > 0; ++q)
          gains[t][at(s)].push_back(mul_up(rises(i, q), high));
        for (Index q = 0; q < falls.cols() && low < 0 && falls(i, q) < 0; ++q)
          gains[t][at(s)].push_back(mul_up(falls(i, q), low));
      }
    }
  for (const auto& [component, change] : own) {
    const double gain = sign > 0 ? changes_[change].high : -changes_[change].low;
    if (gain > 0) gains[components_[component].term][at(l)].push_back(gain);
  }
  for (const std::size_t c : several_) {  // the others are among the rises and falls
    const Component& component = components_[c];
    const Table& table = arrive_[at(component.site.layer)];
    double gain = 0;
    for (std::size_t n = component.first; n < component.first + component.count; ++n) {
      const Interval change{changes_[n].low, changes_[n].high};
      const Interval weight{table.low(k, changes_[n].neuron), table.high(k, changes_[n].neuron)};
      gain = add_up(gain, sign > 0 ? most(change, weight) : -least(change, weight));
    }
    if (gain > 0) gains[component.term][at(component.site.layer)].push_back(gain);
  }
  return together(gains);
}

/// Ranges of a layer with failures, and the components that fail there.
void Influence::enter(Index l) {
  const std::size_t first = components_.size();
  list_parameters(l);
  std::vector<std::vector<Own>> own(at(net_.width(l)));
  for (std::size_t c = first; c < components_.size(); ++c)
    for (std::size_t n = components_[c].first; n < components_[c].first + components_[c].count; ++n)
      own[at(changes_[n].neuron)].emplace_back(c, n);
  for (Index k = 0; k < net_.width(l); ++k) {
    const Interval nominal = nominal_.pre(l, k);
    const double fall = moved(l, k, -1, own[at(k)]), rise = moved(l, k, 1, own[at(k)]);
    const Interval range{sub_down(nominal.lower, fall), add_up(nominal.upper, rise)};
    pre_[at(l)].push_back(range);
    slopes_[at(l)].push_back(local_slopes(net_.activation(l, k), range));
    sent_[at(l)].push_back(values_over(net_.activation(l, k), range));
  }
  if (l == net_.layers()) return;
  for (std::size_t n = first < components_.size() ? components_[first].first : changes_.size(); n < changes_.size(); ++n) {
    Change& change = changes_[n];  // of a sum: now of what is sent
    const Interval sent = through(l, change.neuron, {change.low, change.high});
    change.low = sent.lower, change.high = sent.upper;
  }
  list_neurons(l);
  for (std::size_t c = first; c < components_.size(); ++c)
    if (components_[c].count != 1) several_.push_back(c);
  keep_largest(l, first);
}

Interval Influence::through(Index l, Index neuron, Interval change) const {
  const Interval slope = slopes_[at(l)][at(neuron)], sent = sent_[at(l)][at(neuron)];
  const double most_moved = sub_up(sent.upper, sent.lower);
  const Interval ends{std::min(change.lower, 0.0), std::max(change.upper, 0.0)};
  return {std::max(least(ends, slope), -most_moved), std::min(most(ends, slope), most_moved)};
}

/// Failed weights and biases of a layer, by what they add to sums.
void Influence::list_parameters(Index l) {
  std::vector<Site> places;
  for (std::size_t t = 0; t < space_.terms().size(); ++t) {
    const Space::Term& term = space_.terms()[t];
    if (!on_parameters(term.failure.effect) || term.most(l) == 0) continue;
    for (const Site& site : term.sites[at(l)]) {
      const double weight = stored(net_, site);
      places_of(net_, term, site, places);
      components_.push_back({site, t, changes_.size(), places.size()});
      for (const Site& place : places) {
        const Interval arriving = place.from == Site::one ? Interval{1, 1} : reachable(l - 1, place.from);
        const Interval moved = moves(term.failure, site, arriving, weight);
        changes_.push_back({place.to, moved.lower, moved.upper});
      }
    }
  }
}

/// Failed neurons of a layer, and groups of them.
void Influence::list_neurons(Index l) {
  const std::size_t from = components_.size();
  std::vector<Site> places;
  for (std::size_t t = 0; t < space_.terms().size(); ++t) {
    const Space::Term& term = space_.terms()[t];
    if (on_parameters(term.failure.effect) || term.most(l) == 0) continue;
    for (const Site& site : term.sites[at(l)]) {
      places_of(net_, term, site, places);
      components_.push_back({site, t, changes_.size(), places.size()});
      for (const Site& place : places) {
        const Interval would = sent_[at(l)][at(place.to)];
        const Interval sent = sends(term.failure, place, would);
        const double fall = sub_down(sent.lower, would.upper), rise = sub_up(sent.upper, would.lower);
        changes_.push_back({place.to, std::min(0.0, fall), std::max(0.0, rise)});
      }
    }
  }
  if (l > 0) return;
  for (std::size_t c = 0; c < components_.size(); ++c)
    if (components_[c].count != 1) several_.push_back(c);
  keep_largest(0, from);
}

Interval Influence::reachable(Index l, Index neuron) const {
  Interval all = sent_[at(l)][at(neuron)];
  for (const Space::Term& term : space_.terms()) {
    if (on_parameters(term.failure.effect) || neuron >= net_.own(l)) continue;
    const Site site{l, neuron, -1};
    const bool may = term.grouped() || term.has(site);
    if (!may || (term.most(l) == 0 && !term.grouped())) continue;
    const Interval sent = sends(term.failure, site, sent_[at(l)][at(neuron)]);
    all = {std::min(all.lower, sent.lower), std::max(all.upper, sent.upper)};
  }
  return all;
}

/// Of components with one change, per neuron the most that as many as may fail do.
void Influence::keep_largest(Index l, std::size_t from) {
  const Index n = net_.width(l);
  for (std::size_t t = 0; t < space_.terms().size(); ++t) {
    const Space::Term& term = space_.terms()[t];
    const Index kept = term.failure.total ? term.failure.counts.front() : term.most(l);
    std::vector<std::vector<double>> up(at(n)), down(at(n));
    Index widest = 0;
    for (std::size_t c = from; c < components_.size(); ++c) {
      if (components_[c].term != t || components_[c].count != 1) continue;
      const Change& change = changes_[components_[c].first];
      if (change.high > 0) up[at(change.neuron)].push_back(change.high);
      if (change.low < 0) down[at(change.neuron)].push_back(-change.low);
    }
    for (auto* lists : {&up, &down})
      for (std::vector<double>& list : *lists) {
        const auto keep = std::min<std::size_t>(list.size(), at(kept));
        std::partial_sort(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(keep), list.end(), std::greater<>());
        list.resize(keep);
        widest = std::max(widest, static_cast<Index>(keep));
      }
    rises_[t][at(l)] = falls_[t][at(l)] = Matrix::Zero(widest > 0 ? n : 0, widest);
    for (Index i = 0; i < n && widest > 0; ++i) {
      for (std::size_t q = 0; q < up[at(i)].size(); ++q) rises_[t][at(l)](i, static_cast<Index>(q)) = up[at(i)][q];
      for (std::size_t q = 0; q < down[at(i)].size(); ++q) falls_[t][at(l)](i, static_cast<Index>(q)) = -down[at(i)][q];
    }
  }
}

/// The most that the counts allow of gains [term][layer], rounded up.
double Influence::together(std::vector<std::vector<std::vector<double>>>& gains) const {
  double sum = 0;
  for (std::size_t t = 0; t < gains.size(); ++t) {
    const Space::Term& term = space_.terms()[t];
    std::vector<double> all;
    for (Index l = 0; l <= net_.layers(); ++l) {
      std::vector<double>& here = gains[t][at(l)];
      if (term.failure.total) all.insert(all.end(), here.begin(), here.end());
      else for (const double gain : top_values(std::move(here), term.most(l))) sum = add_up(sum, gain);
    }
    if (term.failure.total)
      for (const double gain : top_values(std::move(all), term.failure.counts.front())) sum = add_up(sum, gain);
  }
  return sum;
}

}  // namespace withstand::bounds
