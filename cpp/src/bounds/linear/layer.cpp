// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "bounds/linear/relaxation.hpp"
#include "core/interval.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"

// One layer: lines of every neuron that does not fail, what its failures add to them, and what failed synapses add to
// the carriers.
namespace withstand::bounds::linear {
namespace {

Interval operator-(Interval a, Interval b) { return {down(a.lower - b.upper), up(a.upper - b.lower)}; }
Interval operator+(Interval a, Interval b) { return {down(a.lower + b.lower), up(a.upper + b.upper)}; }
Interval times(double w, Interval a) {
  if (w < 0) std::swap(a.lower, a.upper);
  return {product_down(w, a.lower), product_up(w, a.upper)};
}

void set(LayerRange& range, Index i, Interval value) {
  range.lower(i) = value.lower;
  range.upper(i) = value.upper;
}

/// What a failed synapse adds to its receiver's carrier, over weight * signal.
Interval synapse_gain(const Sending& sending, Interval given, double weight, Interval signal) {
  if (!sending.added) return given - times(weight, signal);
  return sending.weighted ? times(weight, given) : given;
}

/// Insert into a sorted list of the largest rates above 0 of one receiver and sign.
void insert(Synapses& synapses, Index first, double rate, Index from) {
  if (std::isnan(rate)) rate = infinity;
  for (std::size_t c = at(first); c < at(first + synapses.keep) && rate > 0; ++c)
    if (rate > synapses.rates[c]) std::swap(rate, synapses.rates[c]), std::swap(from, synapses.from[c]);
}

}  // namespace

/// The signal of a failed neuron: what it sends, or what that deviates by from the intact network.
Interval Relaxation::failed_signal(bool added, Interval sent, Index l, Index i) const {
  const bool deviation = form_ == Form::difference;
  if (added == deviation) return sent;
  const Interval nominal = entry(given_->post[at(l)], i);
  return deviation ? sent - nominal : nominal + sent;
}

void Relaxation::relax(Index l, const LayerRange& deviation, const LayerRange& faulty) {
  Layer& layer = layers_[at(l)];
  const Index n = given_->net.width(l);
  layer.deviation = deviation;
  layer.faulty = faulty;
  for (Vector* v : {&layer.upper_slope, &layer.upper_offset, &layer.lower_slope, &layer.lower_offset, &layer.magnitude,
                    &layer.signal.lower, &layer.signal.upper, &layer.sent.lower, &layer.sent.upper})
    v->resize(n);
  for (Neurons& neurons : layer.neurons)
    for (Rates* rates : {&neurons.rates, &neurons.flat}) rates->positive.setZero(n), rates->negative.setZero(n);
  for (Index i = 0; i < n; ++i) {
    const bool carried = l > 0 && layer.carried;
    relax_neuron(l, i, carried ? entry(deviation, i) : Interval{}, l > 0 ? entry(faulty, i) : Interval{});
  }
  layer.live = form_ == Form::value || !layer.neurons.empty() || (layer.magnitude.array() != 0).any();
  layer.lost_sending = 4 * static_cast<double>(n) * tiny;
  if (l == 0 || !layer.carried) return;
  const LayerRange& carriers = form_ == Form::difference ? deviation : faulty;
  layer.lost_sending += carriers.lower.cwiseAbs().cwiseMax(carriers.upper.cwiseAbs()).sum() * tiny;
}

double Relaxation::noise_of(Index l, Index i) const {
  if (intact_ || l > given_->net.depth() || given_->noise[at(l)].size() == 0) return 0;
  return given_->noise[at(l)](i);
}

void Relaxation::relax_neuron(Index l, Index i, Interval deviation, Interval faulty) {
  Layer& layer = layers_[at(l)];
  const bool difference = form_ == Form::difference;
  const Interval nominal = entry(given_->post[at(l)], i);
  double noise = noise_of(l, i);
  Response response;
  Interval sent = nominal;
  if (const Index f = decided_[at(l)][at(i)]; f >= 0) {
    const Restriction::Failed& failed = restriction_->failed[at(f)];
    const bool added = given_->sending[failed.term].added;
    response.signal = failed_signal(added, {failed.lower, failed.upper}, l, i);
    response.lower.offset = response.signal.lower;
    response.upper.offset = response.signal.upper;
    sent = difference ? nominal + response.signal : response.signal;
    if (!added) sent = {failed.lower, failed.upper};
    noise = 0;
  } else if (l == 0) {
    if (!difference) response = {{0, nominal.lower}, {0, nominal.upper}, nominal};
  } else {
    const Activation& phi = given_->net.activation(l, i);
    if (!difference) response = value_response(phi, faulty);
    else if (layer.carried)
      response = difference_response(phi, {entry(given_->pre[at(l)], i), nominal, deviation, faulty}, given_->point);
    if (layer.carried) sent = image(phi, faulty);
  }
  layer.upper_slope(i) = response.upper.slope;
  layer.lower_slope(i) = response.lower.slope;
  layer.upper_offset(i) = up(response.upper.offset + noise);
  layer.lower_offset(i) = down(response.lower.offset - noise);
  set(layer.signal, i, response.signal + Interval{-noise, noise});
  set(layer.sent, i, sent + Interval{-noise, noise});
  layer.magnitude(i) = magnitude(entry(layer.signal, i));
  rate_neurons(l, i, difference ? deviation : faulty);
}

/// Gains of a failure over the lines (their least value, or the selection lemma would not hold) and over the range.
void Relaxation::rate_neurons(Index l, Index i, Interval carrier) {
  Layer& layer = layers_[at(l)];
  for (Neurons& neurons : layer.neurons) {
    if (!neurons.may_fail(i)) continue;
    const Sending& sending = given_->sending[neurons.term];
    const Interval failed = failed_signal(sending.added, sending.free, l, i);
    const double floor = down(product_down(layer.upper_slope(i), carrier.lower) + layer.upper_offset(i));
    const double ceiling = up(product_up(layer.lower_slope(i), carrier.upper) + layer.lower_offset(i));
    neurons.rates.positive(i) = up(failed.upper - floor);
    neurons.rates.negative(i) = -up(ceiling - failed.lower);
    neurons.flat.positive(i) = up(failed.upper - layer.signal.upper(i));
    neurons.flat.negative(i) = -up(layer.signal.lower(i) - failed.lower);
    layer.magnitude(i) = std::max(layer.magnitude(i), magnitude(failed));
    const Interval nominal = entry(given_->post[at(l)], i);
    const Interval sent = sending.added ? nominal + sending.free : sending.free;
    set(layer.sent, i, hull(entry(layer.sent, i), sent));
  }
}

/// Synapses into layer l that have failed, once layer l - 1 is relaxed.
void Relaxation::rate_cuts(Index l) {
  Layer& layer = layers_[at(l)];
  std::size_t next = 0;
  for (const Restriction::Failed& failed : restriction_->failed) {
    if (layer.cuts.empty() || !failed.site.is_synapse() || failed.site.layer != l) continue;
    Cut& cut = layer.cuts[next++];
    const Sending& sending = given_->sending[failed.term];
    cut.removed = !sending.added;
    const Interval nominal = form_ == Form::difference ? entry(given_->post[at(l - 1)], cut.from) : Interval{};
    const double weight = given_->net.map(l).weight(cut.to, cut.from);
    cut.gained = synapse_gain(sending, {failed.lower, failed.upper}, weight, nominal);
  }
}

/// Synapses into layer l that may fail, once layer l - 1 is relaxed.
void Relaxation::rate_synapses(Index l) {
  const Affine& map = given_->net.map(l);
  for (Synapses& synapses : layers_[at(l)].synapses) {
    const Space::Term& term = given_->space.terms()[synapses.term];
    const Sending& sending = given_->sending[synapses.term];
    std::vector<Site> closed = restriction_->alive;
    for (const Restriction::Failed& failed : restriction_->failed) closed.push_back(failed.site);
    std::sort(closed.begin(), closed.end());
    synapses.rates.assign(at(2 * synapses.keep * map.rows()), 0);
    synapses.from.assign(at(2 * synapses.keep * map.rows()), 0);
    for (const Site& site : term.sites[at(l)]) {
      if (site.from == 0) interruption_point();
      if (std::binary_search(closed.begin(), closed.end(), site)) continue;
      const Interval signal = entry(layers_[at(l - 1)].sent, site.from);
      const Interval gain = synapse_gain(sending, sending.free, map.weight(site.to, site.from), signal);
      insert(synapses, 2 * synapses.keep * site.to, gain.upper, site.from);
      insert(synapses, 2 * synapses.keep * site.to + synapses.keep, -gain.lower, site.from);
    }
  }
}

}  // namespace withstand::bounds::linear
