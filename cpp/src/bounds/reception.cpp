// SPDX-License-Identifier: MIT
#include "bounds/reception.hpp"

#include <algorithm>
#include <cmath>

#include "failure/effects.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"
#include "core/top_sum.hpp"

namespace withstand::bounds {
std::vector<Carried::Failing> failing(const Space& space, Index layer, const Nominal& nominal, bool values) {
  std::vector<Carried::Failing> all;
  for (const Space::Term& term : space.terms()) {
    if (on_synapses(term.failure.effect) || term.failure.effect == Effect::noise || term.most(layer) == 0) continue;
    Carried::Failing f{least(term, layer), term.most(layer), {}, {}, {}};
    const std::vector<Site>& sites = term.sites[static_cast<std::size_t>(layer)];
    f.lower.resize(static_cast<Index>(sites.size()));
    f.upper.resize(static_cast<Index>(sites.size()));
    for (const Site& site : sites) {
      const auto at = static_cast<Index>(f.neurons.size());
      const Interval sent = values ? transmitted(term.failure, nominal.post(layer, site.to))
                                   : deviation(term.failure, nominal.post(layer, site.to));
      f.lower(at) = sent.lower;
      f.upper(at) = sent.upper;
      f.neurons.push_back(site.to);
    }
    all.push_back(std::move(f));
  }
  return all;
}

void hand_on(const Network& net, Index layer, const Carried& before, Carried& after) {
  for (Index source = 0; source < layer; ++source) {
    const Index to = net.offset(layer, source), from = net.offset(layer - 1, source), count = net.own(source);
    if (to < 0) continue;
    after.lower.segment(to, count) = before.lower.segment(from, count);
    after.upper.segment(to, count) = before.upper.segment(from, count);
    for (const Carried::Failing& f : before.failing) {  // of one layer each
      if (f.neurons.front() < from || f.neurons.front() >= from + count) continue;
      after.failing.push_back(f);
      for (Index& neuron : after.failing.back().neurons) neuron += to - from;
    }
  }
}

Reception::Reception(const Network& net, const Space& space, Index layer, const Nominal& nominal, const Carried& carried)
    : net_(net), space_(space), layer_(layer), nominal_(nominal), carried_(carried), lowest_(carried.lower),
      highest_(carried.upper), ends_(carried.lower.size()) {
  for (const Space::Term& term : space.terms())
    synapses_ = synapses_ || (on_synapses(term.failure.effect) && term.most(layer) > 0);
  grid_ = std::min(grid(carried.lower.data(), carried.lower.size()), grid(carried.upper.data(), carried.upper.size()));
  for (const Carried::Failing& f : carried.failing) {
    grid_ = std::min({grid_, grid(f.lower.data(), f.lower.size()), grid(f.upper.data(), f.upper.size())});
    const double largest = std::max(f.lower.cwiseAbs().maxCoeff(), f.upper.cwiseAbs().maxCoeff());
    struck_ += static_cast<double>(f.most) * largest;
    selected_ += f.most;
    for (std::size_t c = 0; c < f.neurons.size(); ++c) {
      double& low = lowest_(f.neurons[c]);
      double& high = highest_(f.neurons[c]);
      low = std::min(low, f.lower(static_cast<Index>(c)));
      high = std::max(high, f.upper(static_cast<Index>(c)));
    }
  }
  const double largest = std::max(lowest_.cwiseAbs().maxCoeff(), highest_.cwiseAbs().maxCoeff());
  for (const Space::Term& term : space.terms())
    if (on_synapses(term.failure.effect)) synapse_scale_ += static_cast<double>(term.most(layer)) * largest;
  size_ = carried.lower.cwiseAbs().cwiseMax(carried.upper.cwiseAbs()).stableNorm();
  if (net.map(layer).matrix() != nullptr) return;
  for (const Carried::Failing& f : carried.failing) {
    places_.emplace_back(static_cast<std::size_t>(carried.lower.size()), -1);
    for (std::size_t c = 0; c < f.neurons.size(); ++c)
      places_.back()[static_cast<std::size_t>(f.neurons[c])] = static_cast<int>(c);
  }
}

Reception::Row Reception::row_of(Index receiver) const {
  const Affine& map = net_.map(layer_);
  const WeightFacts& facts = map.facts();
  Row row{nullptr, facts.row_norm(receiver), facts.row_max(receiver), facts.grid, {{receiver, 1.0}}};
  if (map.matrix() != nullptr) row.weights = map.row(receiver, row.terms);
  else map.terms_of_row(receiver, row.terms);
  return row;
}

Interval Reception::of(Index receiver) {
  interruption_point();
  const Row row = row_of(receiver);
  const double high = upper(row, 1);
  return {-upper(row, -1), high};
}

double Reception::difference(Index plus, Index minus) {
  interruption_point();
  Row a = row_of(plus);
  Row b = row_of(minus);
  if (a.weights == nullptr) a.weights = net_.map(layer_).row(plus, a.terms), b.weights = net_.map(layer_).row(minus, b.terms);
  const Index n = carried_.lower.size();
  const Vector weights = Eigen::Map<const Vector>(a.weights, n) - Eigen::Map<const Vector>(b.weights, n);
  // Subtracting on the grid of the weights is exact as long as the result keeps 53 bits of it.
  const bool exact = a.largest + b.largest <= 0x1p52 * a.grid;
  return upper({weights.data(), a.norm + b.norm, a.largest + b.largest, exact ? a.grid : 0, {{plus, 1.0}, {minus, -1.0}}},
               1);
}

double Reception::upper(const Row& row, double sign) {
  double sum = sent(row, sign);
  sum += row.weights == nullptr ? few_failures(row, sign) : failures(row, sign);
  double struck = row.largest * struck_;
  if (synapses_) {
    const double added = synapses(row, sign);
    struck += 4 * (added + row.largest * synapse_scale_);
    sum += added;
  }
  const double bound = add_up(sum, error(row, struck));
  return std::isnan(bound) ? infinity : bound;
}

/// The sum when nobody fails.
double Reception::sent(const Row& row, double sign) {
  if (row.weights != nullptr) {
    for (Index i = 0; i < carried_.lower.size(); ++i) {
      const double weight = sign * row.weights[i];
      ends_(i) = std::max(weight * carried_.lower(i), weight * carried_.upper(i));
    }
    return ends_.sum();
  }
  double sum = 0;
  for (Index t = 0; t < row.terms.size; ++t) {
    const Index i = row.terms.sender(t);
    const double weight = sign * row.terms.weight[t];
    sum += ends_(i) = std::max(weight * carried_.lower(i), weight * carried_.upper(i));
  }
  return sum;
}

/// The same of maps with few weights: who sends nothing to this receiver gains 0 by failing.
double Reception::few_failures(const Row& row, double sign) {
  double sum = 0;
  for (std::size_t g = 0; g < places_.size(); ++g) {
    const Carried::Failing& f = carried_.failing[g];
    gains_.clear();
    for (Index t = 0; t < row.terms.size; ++t) {
      const Index i = row.terms.sender(t), c = places_[g][static_cast<std::size_t>(i)];
      const double weight = sign * row.terms.weight[t];
      if (c >= 0) gains_.push_back(std::max(weight * f.lower(c), weight * f.upper(c)) - ends_(i));
    }
    const auto silent = static_cast<Index>(f.neurons.size() - gains_.size());
    gains_.resize(gains_.size() + static_cast<std::size_t>(std::min(silent, f.most)), 0.0);
    sum += top_between(gains_, synapses_ ? 0 : f.least, f.most);
  }
  return sum;
}

/// Gains of failing neurons over not failing ones, the largest that the counts allow.
double Reception::failures(const Row& row, double sign) {
  double sum = 0;
  for (const Carried::Failing& f : carried_.failing) {
    const auto count = static_cast<Index>(f.neurons.size());
    const bool everyone = count == carried_.lower.size();  // candidates are sorted: then the c-th is neuron c
    gains_.resize(f.neurons.size());
    for (Index c = 0; c < count; ++c) {
      const Index i = everyone ? c : f.neurons[static_cast<std::size_t>(c)];
      const double weight = sign * row.weights[i];
      gains_[static_cast<std::size_t>(c)] = std::max(weight * f.lower(c), weight * f.upper(c)) - ends_(i);
    }
    // With failing synapses a source may fail twice over, which only gains that are not negative can account for.
    sum += top_between(gains_, synapses_ ? 0 : f.least, f.most);
  }
  return sum;
}

/// Gains of failed synapses: what they deliver against the least that the product could have been.
double Reception::synapses(const Row& row, double sign) {
  double sum = 0;
  for (const Space::Term& term : space_.terms()) {
    const Failure& failure = term.failure;
    const std::vector<Site>& sites = term.sites[static_cast<std::size_t>(layer_)];
    if (!on_synapses(failure.effect) || term.most(layer_) == 0) continue;
    gains_.clear();
    for (const auto& [receiver, entering] : row.receivers) {
      const auto first = std::lower_bound(sites.begin(), sites.end(), Site{layer_, receiver, 0});
      for (auto site = first; site != sites.end() && site->to == receiver; ++site) {
        const double weight = sign * entering * net_.map(layer_).weight(receiver, site->from);
        const bool alone = row.receivers.size() == 1;
        const double least = alone ? ends_(site->from)
                                   : std::min(weight * lowest_(site->from), weight * highest_(site->from));
        const double capacity = amount(failure, 1);
        const bool replaced = failure.effect == Effect::synapse_replace || failure.effect == Effect::synapse_crash;
        const double value = failure.effect == Effect::synapse_crash ? 0 : capacity;
        const double sent = carried_.values && replaced
                                ? value
                                : delivered(failure, weight, nominal_.post(layer_ - 1, site->from)).upper;
        gains_.push_back(is_added(failure.effect) ? sent : sent - least);
      }
    }
    sum += top_between(gains_, 0, term.most(layer_));
  }
  return sum;
}

/// Of sums of products with one rounding each and of gains with two, in any order (see sum_error).
double Reception::error(const Row& row, double struck) const {
  const auto n = static_cast<long>(carried_.lower.size() + selected_);
  const double magnitude = (row.norm * size_ + struck) * (2 + static_cast<double>(n) * 4 * unit_roundoff);
  return sum_error(2 * n + 16, 2 * magnitude, synapses_ ? 0 : row.grid * grid_);
}

}  // namespace withstand::bounds
