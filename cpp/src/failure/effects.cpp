// SPDX-License-Identifier: MIT
#include "failure/effects.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

#include "core/rounding.hpp"
#include "failure/conduct.hpp"

namespace withstand {

double amount(const Failure& failure, Index layer) {
  if (failure.amount.empty()) return 0;
  if (failure.amount.size() == 1) return failure.amount.front();
  return layer >= 1 && layer <= static_cast<Index>(failure.amount.size())
             ? failure.amount[static_cast<std::size_t>(layer - 1)]
             : 0;
}

namespace {

constexpr Interval everything{-infinity, infinity};

[[noreturn]] void refuse(const Failure& failure, const std::string& what) {
  throw std::logic_error(failure.describe() + ": " + what);
}

/// Of an effect without ways: its values lie within.
double capacity(const Failure& failure) {
  return failure.amount.empty() ? 0 : *std::max_element(failure.amount.begin(), failure.amount.end());
}

Interval times(double weight, const Interval& signal) {
  return {std::min(mul_down(weight, signal.lower), mul_down(weight, signal.upper)),
          std::max(mul_up(weight, signal.lower), mul_up(weight, signal.upper))};
}

/// What the component would do: a neuron's own signal has no weight to be rounded with.
Interval fault_free(const Conduct& does, const Interval& signal, double weight) {
  return does.strikes == Strikes::synapses || does.strikes == Strikes::parameters ? times(weight, signal) : signal;
}

/// What effects add to it.
Interval added(const Conduct& does, const Failure& failure, double weight) {
  const double free = capacity(failure);
  const double most = does.does == Does::adds_before ? mul_up(std::abs(weight), free) : free;
  return {-most, most};
}

}  // namespace

double sends(const Failure& failure, int way, const Site& site, double signal, double weight) {
  const Alternatives* alternatives = conduct(failure.effect).alternatives;
  if (alternatives == nullptr || way < 0 || way >= alternatives->count(failure))
    refuse(failure, "has no way " + std::to_string(way) + " to fail");
  return alternatives->sends(failure, way, site, signal, weight);
}

double sends(const Failure& failure, const Failed& failed, const Signal& signal) {
  const Conduct& does = conduct(failure.effect);
  const double heard = does.hears == Hears::intact ? signal.intact : signal.arriving;
  if (does.alternatives != nullptr) return sends(failure, failed.way, failed.site, heard, signal.weight);
  switch (does.does) {
    case Does::replaces: return failed.free;
    case Does::adds: return signal.weight * heard + failed.free;
    case Does::adds_before: return signal.weight * (heard + failed.free);
  }
  refuse(failure, "neither adds nor replaces");
}

bool offers(const Failure& failure, int way, const Site& site, double weight) {
  const Alternatives* alternatives = conduct(failure.effect).alternatives;
  return alternatives == nullptr || alternatives->offers == nullptr || alternatives->offers(failure, way, site, weight);
}

void becomes(const Failure& failure, const Site& site, double weight, std::vector<Become>& all) {
  all.clear();
  const Alternatives* alternatives = conduct(failure.effect).alternatives;
  if (alternatives->becomes != nullptr) return alternatives->becomes(failure, site, weight, all);
  for (int way = 0; way < alternatives->count(failure); ++way)
    if (offers(failure, way, site, weight)) all.push_back({way, alternatives->sends(failure, way, site, 1, weight)});
}

Interval sends(const Failure& failure, const Site& site, const Interval& signal, double weight) {
  const Conduct& does = conduct(failure.effect);
  if (does.alternatives != nullptr) return does.alternatives->range(failure, site, signal, weight);
  const double free = capacity(failure);
  if (does.does == Does::replaces) return {-free, free};
  if (does.does == Does::adds_before)
    return fault_free(does, {sub_down(signal.lower, free), add_up(signal.upper, free)}, weight);
  const Interval before = fault_free(does, signal, weight);
  return {sub_down(before.lower, free), add_up(before.upper, free)};
}

Interval deviates(const Failure& failure, const Site& site, const Interval& nominal, double weight) {
  const Conduct& does = conduct(failure.effect);
  if (does.does != Does::replaces) return added(does, failure, weight);
  // What failures upstream make of a signal is not known here.
  const Interval sent = sends(failure, site, does.hears == Hears::arriving ? everything : nominal, weight);
  const Interval before = fault_free(does, nominal, weight);
  return {sub_down(sent.lower, before.upper), sub_up(sent.upper, before.lower)};
}

Interval moves(const Failure& failure, const Site& site, const Interval& arriving, double weight) {
  if (!on_parameters(failure.effect)) refuse(failure, "strikes no parameters");
  const Interval signal = site.is_bias() ? Interval{1, 1} : arriving;
  const Interval sent = sends(failure, site, signal, weight), before = times(weight, signal);
  // The same signal meets both weights: u y - W y for every y between the ends lies between what the ends give.
  double low = infinity, high = -infinity;
  for (const double y : {signal.lower, signal.upper}) {
    const Interval at = sends(failure, site, {y, y}, weight), product = times(weight, {y, y});
    low = std::min(low, sub_down(at.lower, product.upper));
    high = std::max(high, sub_up(at.upper, product.lower));
  }
  return {std::max(low, sub_down(sent.lower, before.upper)), std::min(high, sub_up(sent.upper, before.lower))};
}

Interval freedom(const Failure& failure, const Site& site) {
  if (is_added(failure.effect)) return {-capacity(failure), capacity(failure)};
  if (on_synapses(failure.effect) && hears_something(failure)) refuse(failure, "what it sends depends on a weight");
  return sends(failure, site, everything);
}

double largest_sent(const Failure& failure, Index layer) {
  const double any = magnitude(freedom(failure, {layer, -1, -1}));
  if (std::isfinite(any) || !failure.words) return any;
  const Format& f = failure.words->format;  // a float: infinite words are harm without being sent
  return std::ldexp(2 - std::ldexp(1.0, -f.fraction), (1 << (f.exponent - 1)) - 1);
}

bool hears_something(const Failure& failure) { return conduct(failure.effect).hears != Hears::nothing; }

bool hears_failures(const Failure& failure) { return conduct(failure.effect).hears == Hears::arriving; }

bool is_added(Effect effect) { return conduct(effect).does != Does::replaces; }

bool is_weighted(Effect effect) { return conduct(effect).does == Does::adds_before; }

void require_bounded(const Network& net, const Space& space, const std::vector<Interval>& layers) {
  for (const Space::Term& term : space.terms()) {
    const Effect effect = term.failure.effect;
    if (is_added(effect)) continue;
    const Index source = on_synapses(effect) ? 1 : 0;  // a synapse into layer l carries layer l - 1
    for (Index l = source; l <= net.depth() + source; ++l) {
      const Interval sent = source == 1 ? sent_into(net, layers, l) : layers[static_cast<std::size_t>(l)];
      if (term.most(l) == 0 || std::isfinite(magnitude(sent))) continue;
      std::ostringstream message;
      message << term.failure.describe() << ": ";
      if (l == source) message << "inputs may be anything";
      else message << "layer " << l - source << " (" << net.activation(l - source).name() << ") is unbounded";
      throw std::invalid_argument(message.str() + " without a domain; give inputs or a Box");
    }
  }
}

Interval sent_into(const Network& net, const std::vector<Interval>& layers, Index layer) {
  Interval hull{infinity, -infinity};
  for (Index source = 0; source < layer; ++source) {
    if (net.offset(layer - 1, source) < 0) continue;
    const Interval& sent = layers[static_cast<std::size_t>(source)];
    hull = {std::min(hull.lower, sent.lower), std::max(hull.upper, sent.upper)};
  }
  return hull;
}

double noise(const Space& space, Index layer) {
  double sum = 0;
  for (const Space::Term& term : space.terms())
    if (!is_counted(term.failure.effect) && layer >= 1 && layer < space.layers() && term.most(layer) > 0)
      sum = add_up(sum, amount(term.failure, layer));
  return sum;
}

Index least(const Space::Term& term, Index layer) {
  if (!term.failure.exactly) return 0;
  if (!term.failure.total) return term.most(layer);
  const Index elsewhere = term.candidates - static_cast<Index>(term.sites[static_cast<std::size_t>(layer)].size());
  return std::max<Index>(0, term.failure.counts.front() - elsewhere);
}

bool takes_amount(Effect effect) {
  switch (effect) {
    case Effect::crash:
    case Effect::synapse_crash:
    case Effect::weight_crash:
    case Effect::bit_flip:
    case Effect::weight_flip:
      return false;
    case Effect::stuck:
    case Effect::byzantine:
    case Effect::deviation:
    case Effect::noise:
    case Effect::synapse_product:
    case Effect::synapse_signal:
    case Effect::synapse_replace:
    case Effect::weight_stuck:
      return true;
  }
  throw std::logic_error("an effect without a row here");
}

}  // namespace withstand
