// SPDX-License-Identifier: MIT
#include "bounds/reception.hpp"

#include <algorithm>
#include <cmath>

#include "failure/effects.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"
#include "core/top_sum.hpp"

namespace withstand::bounds {
namespace {

/// Members of groups in a layer, sorted, with the group of each.
std::vector<Site> members_in(const Space::Term& term, Index layer, Carried::Failing& f) {
  std::vector<std::pair<Site, Index>> members;
  for (const auto& [first, group] : term.members) {
    Index size = 0;
    for (const Site& site : group)
      if (site.layer == layer) members.emplace_back(site, f.groups), ++size;
    f.groups += size > 0 ? 1 : 0;
    f.size = std::max(f.size, size);
  }
  std::sort(members.begin(), members.end());
  std::vector<Site> sites;
  for (const auto& [site, group] : members) sites.push_back(site), f.group.push_back(group);
  f.most = std::min(f.groups, term.failure.total ? term.failure.counts.front() : term.count(layer));
  return sites;
}

}  // namespace

std::vector<Carried::Failing> failing(const Space& space, Index layer, const Nominal& nominal, bool values) {
  std::vector<Carried::Failing> all;
  for (const Space::Term& term : space.terms()) {
    if (on_synapses(term.failure.effect) || on_parameters(term.failure.effect) || !is_counted(term.failure.effect)) continue;
    Carried::Failing f{least(term, layer), term.most(layer), {}, {}, {}};
    const std::vector<Site> members = term.grouped() ? members_in(term, layer, f) : std::vector<Site>{};
    if (term.grouped()) f.least = 0;
    if (f.most == 0) continue;
    const std::vector<Site>& sites = term.grouped() ? members : term.sites[static_cast<std::size_t>(layer)];
    f.lower.resize(static_cast<Index>(sites.size()));
    f.upper.resize(static_cast<Index>(sites.size()));
    for (const Site& site : sites) {
      const auto at = static_cast<Index>(f.neurons.size());
      const Interval would = nominal.post(layer, site.to);
      const Interval sent = !values ? deviates(term.failure, site, would)
                            : hears_failures(term.failure) ? freedom(term.failure, site)  // of any signal that may arrive
                                                           : sends(term.failure, site, would);
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
    synapses_ = synapses_ || ((on_synapses(term.failure.effect) || on_parameters(term.failure.effect)) && term.most(layer) > 0);
  list_parameters();
  grid_ = std::min(grid(carried.lower.data(), carried.lower.size()), grid(carried.upper.data(), carried.upper.size()));
  for (const Carried::Failing& f : carried.failing) {
    grid_ = std::min({grid_, grid(f.lower.data(), f.lower.size()), grid(f.upper.data(), f.upper.size())});
    const double largest = std::max(f.lower.cwiseAbs().maxCoeff(), f.upper.cwiseAbs().maxCoeff());
    magnitude_struck_ += static_cast<double>(f.most * f.size) * largest;
    selected_ += f.most * f.size;
    for (std::size_t c = 0; c < f.neurons.size(); ++c) {
      double& low = lowest_(f.neurons[c]);
      double& high = highest_(f.neurons[c]);
      low = std::min(low, f.lower(static_cast<Index>(c)));
      high = std::max(high, f.upper(static_cast<Index>(c)));
    }
  }
  const double largest = std::max(lowest_.cwiseAbs().maxCoeff(), highest_.cwiseAbs().maxCoeff());
  for (const Space::Term& term : space.terms())
    if (on_synapses(term.failure.effect) || on_parameters(term.failure.effect))
      synapse_scale_ += static_cast<double>(term.most(layer)) * largest;
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
  double struck = row.largest * magnitude_struck_;
  if (synapses_) {
    const double added = synapses(row, sign) + parameters(row, sign);
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
    if (!f.group.empty()) gains_.assign(static_cast<std::size_t>(f.groups), 0.0);
    for (Index t = 0; t < row.terms.size; ++t) {
      const Index i = row.terms.sender(t), c = places_[g][static_cast<std::size_t>(i)];
      const double weight = sign * row.terms.weight[t];
      if (c >= 0 && !f.group.empty())
        gains_[static_cast<std::size_t>(f.group[static_cast<std::size_t>(c)])] +=
            member(std::max(weight * f.lower(c), weight * f.upper(c)) - ends_(i));
      else if (c >= 0) gains_.push_back(std::max(weight * f.lower(c), weight * f.upper(c)) - ends_(i));
    }
    const auto silent = f.group.empty() ? static_cast<Index>(f.neurons.size() - gains_.size()) : 0;
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
    if (!f.group.empty()) {
      std::vector<double> together(static_cast<std::size_t>(f.groups), 0.0);
      for (std::size_t c = 0; c < gains_.size(); ++c) together[static_cast<std::size_t>(f.group[c])] += member(gains_[c]);
      gains_ = std::move(together);
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
        const double sent = carried_.values && !is_added(failure.effect)
                                ? freedom(failure, *site).upper
                                : deviates(failure, *site, nominal_.post(layer_ - 1, site->from), weight).upper;
        gains_.push_back(is_added(failure.effect) ? sent : sent - least);
      }
    }
    sum += top_between(gains_, 0, term.most(layer_));
  }
  return sum;
}

void Reception::list_parameters() {
  std::vector<Site> places;
  for (const Space::Term& term : space_.terms()) {
    struck_.emplace_back();
    if (!on_parameters(term.failure.effect) || term.most(layer_) == 0) continue;
    for (const Site& site : term.sites[static_cast<std::size_t>(layer_)]) {
      places_of(net_, term, site, places);
      for (const Site& place : places) struck_.back().push_back({place.to, place.from, site});
    }
    std::stable_sort(struck_.back().begin(), struck_.back().end());
  }
}

/// Gains of failed parameters, which multiply what their senders do in the failed network.
double Reception::parameters(const Row& row, double sign) {
  double sum = 0;
  for (std::size_t t = 0; t < struck_.size(); ++t) {
    if (struck_[t].empty()) continue;
    const Space::Term& term = space_.terms()[t];
    gains_.clear();
    for (const auto& [receiver, entering] : row.receivers) {
      const auto first = std::lower_bound(struck_[t].begin(), struck_[t].end(), Struck{receiver, 0, {}});
      for (auto place = first; place != struck_[t].end() && place->to == receiver; ++place) {
        const Index i = place->from;
        Interval arriving{1, 1};
        if (i != Site::one) {
          arriving = {lowest_(i), highest_(i)};
          const Interval intact = carried_.values ? Interval{0, 0} : nominal_.post(layer_ - 1, i);
          if (!carried_.values)
            arriving = {add_down(arriving.lower, intact.lower), add_up(arriving.upper, intact.upper)};
        }
        const double weight = i == Site::one ? net_.bias(layer_)(receiver) : net_.map(layer_).weight(receiver, i);
        const Interval moved = moves(term.failure, place->parameter, arriving, weight);
        gains_.push_back(sign * entering > 0 ? moved.upper : -moved.lower);
      }
    }
    sum += top_between(gains_, 0, term.most(layer_) * static_cast<Index>(row.receivers.size()));
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
