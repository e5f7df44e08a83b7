// SPDX-License-Identifier: MIT
#include "failure/effects.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "core/rounding.hpp"

namespace withstand {

double amount(const Failure& failure, Index layer) {
  if (failure.amount.empty()) return 0;
  if (failure.amount.size() == 1) return failure.amount.front();
  return layer >= 1 && layer <= static_cast<Index>(failure.amount.size())
             ? failure.amount[static_cast<std::size_t>(layer - 1)]
             : 0;
}

Interval transmitted(const Failure& failure, const Interval& nominal) {
  const double a = amount(failure, 1);
  switch (failure.effect) {
    case Effect::stuck: return {a, a};
    case Effect::byzantine: return {-a, a};
    case Effect::deviation: return {sub_down(nominal.lower, a), add_up(nominal.upper, a)};
    default: return {0, 0};
  }
}

Interval deviation(const Failure& failure, const Interval& nominal) {
  if (failure.effect == Effect::deviation) return {-amount(failure, 1), amount(failure, 1)};
  const Interval value = transmitted(failure, nominal);
  return {sub_down(value.lower, nominal.upper), sub_up(value.upper, nominal.lower)};
}

bool is_added(Effect effect) { return effect == Effect::synapse_product || effect == Effect::synapse_signal; }

Interval delivered(const Failure& failure, double weight, const Interval& nominal) {
  const double a = amount(failure, 1);
  if (failure.effect == Effect::synapse_product) return {-a, a};
  if (failure.effect == Effect::synapse_signal) return {-mul_up(std::abs(weight), a), mul_up(std::abs(weight), a)};
  const double replaced = failure.effect == Effect::synapse_replace ? a : 0;
  const double low = std::min(mul_down(weight, nominal.lower), mul_down(weight, nominal.upper));
  const double high = std::max(mul_up(weight, nominal.lower), mul_up(weight, nominal.upper));
  return {sub_down(-replaced, high), sub_up(replaced, low)};
}

double magnitude(const Interval& interval) { return std::max(std::abs(interval.lower), std::abs(interval.upper)); }

void require_bounded(const Network& net, const Space& space, const std::vector<Interval>& layers) {
  for (const Space::Term& term : space.terms()) {
    const Effect effect = term.failure.effect;
    if (effect == Effect::deviation || effect == Effect::noise || is_added(effect)) continue;
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
    if (term.failure.effect == Effect::noise && layer >= 1 && layer < space.layers() && term.most(layer) > 0)
      sum = add_up(sum, amount(term.failure, layer));
  return sum;
}

Index least(const Space::Term& term, Index layer) {
  if (!term.failure.exactly) return 0;
  if (!term.failure.total) return term.most(layer);
  const Index elsewhere = term.candidates - static_cast<Index>(term.sites[static_cast<std::size_t>(layer)].size());
  return std::max<Index>(0, term.failure.counts.front() - elsewhere);
}

}  // namespace withstand
