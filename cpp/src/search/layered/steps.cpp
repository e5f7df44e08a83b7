// SPDX-License-Identifier: MIT
// The forward steps of layered enumeration, and what is counted.
#include <algorithm>

#include "activation/shape.hpp"
#include "kernels/kernels.hpp"
#include "walk.hpp"

namespace withstand::search {

/// out = pre after one more failure: one column for a neuron, one entry for a synapse.
void Layered::Walk::apply(const Live& now, const double* pre, double* out) {
  const Site& site = now.option->site;
  const auto layer = static_cast<std::size_t>(site.layer) + (site.is_synapse() ? 0 : 1);
  const Columns::Layer& columns = problem_.columns.layers[layer];
  if (site.is_synapse()) {
    std::copy(pre, pre + columns.bias.size(), out);
    out[site.to] += now.delta;
    return;
  }
  const int column = static_cast<int>(site.to);
  columns.combine(pre, 1, &column, &now.delta, out);
}

/// What a layer transmits where nothing has failed in it.
void Layered::Walk::activate(Index layer, const double* pre) {
  const Activation& phi = problem_.network.activation(layer);
  std::vector<double>& y = signals_[static_cast<std::size_t>(layer)];
  const auto own = static_cast<std::size_t>(problem_.network.own(layer));
  if (phi.rectifier()) {
    for (std::size_t i = 0; i < own; ++i) y[i] = std::max(phi.gain() * pre[i], 0.0);
  } else {
    std::copy(pre, pre + own, y.data());
    if (phi.shape().relative) kernels().activate(phi.shape().kernel, phi.gain(), phi.slope(), static_cast<long>(own), y.data());
    else phi.apply(y.data(), static_cast<long>(own));
  }
  std::copy(pre + own, pre + y.size(), y.data() + own);  // wires
}

/// Pre-activations of the next layer from the signals of this one.
const double* Layered::Walk::pass_on(Index layer) {
  const std::vector<double>& y = signals_[static_cast<std::size_t>(layer)];
  return combined(layer, nonzero_(static_cast<long>(y.size()), y.data(), index_.data(), scale_.data()));
}

/// The same of so many signals in `index_` and `scale_`.
const double* Layered::Walk::combined(Index layer, long count) {
  const Columns::Layer& next = problem_.columns.layers[static_cast<std::size_t>(layer + 1)];
  double* pre = buffer(neuron_stage(layer), 0);
  next.combine(next.bias.data(), count, index_.data(), scale_.data(), pre);
  return pre;
}

/// From the pre-activations of a layer to those of the next one.
const double* Layered::Walk::forward(Index layer, const double* pre) {
  step(layer);
  if (rectifies(layer)) {  // signals that are 0 are not written
    const auto padded = static_cast<long>(problem_.columns.layers[static_cast<std::size_t>(layer)].bias.size());
    const double gain = problem_.network.activation(layer).gain();
    return combined(layer, positive_(padded, gain, pre, index_.data(), scale_.data()));
  }
  activate(layer, pre);
  return pass_on(layer);
}

/// From the pre-activations of a layer to the outputs.
void Layered::Walk::conclude(Index layer, const double* pre) {
  for (Index l = layer; l < problem_.network.layers(); ++l) {
    if (is_late(l) && harmless(l, pre)) return void(count());
    pre = forward(l, pre);
  }
  finish(pre);
}

void Layered::Walk::finish(const double* z) {
  if (!count()) return;
  if (exactly_ && choices_.overlapping && !payable()) return;
  if (problem_.harm.of_pre(z) + noise_ >= incumbent_.harm()) replay(taken_);
}

/// Count an evaluation.
bool Layered::Walk::count() {
  constexpr std::uint64_t batch = 64;
  if (++evaluations_ % batch == 0) budget_.spend(batch);
  return !budget_.stopped();
}

/// Count a step from a layer to the next one.
void Layered::Walk::step(Index layer) {
  const Columns::Layer& next = problem_.columns.layers[static_cast<std::size_t>(layer + 1)];
  work(next.map != nullptr ? static_cast<std::size_t>(next.map->cost()) : next.rows.size());
}

/// Count operations, and after some tenths of a millisecond of them look whether to go on: `budget_` knows then.
void Layered::Walk::work(std::size_t operations) {
  constexpr std::size_t look_after = 1 << 19;
  work_ += operations + 64;
  if (work_ < look_after) return;
  work_ = 0;
  goes_on();
}

}  // namespace withstand::search
