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
  const auto n = static_cast<long>(columns.bias.size());
  if (columns.map == nullptr) return kernels_.axpy(n, now.delta, columns.entries.data() + site.to * n, pre, out);
  const int column = static_cast<int>(site.to);
  columns.combine(pre, 1, &column, &now.delta, out);
}

/// What a layer transmits where nothing fails but what is decided to.
void Layered::Walk::activate(Index layer, const double* pre, LineDoubles& y) {
  const Activation& phi = problem_.network.activation(layer);
  const auto own = static_cast<std::size_t>(problem_.network.own(layer)), all = static_cast<std::size_t>(problem_.network.width(layer));
  if (phi.rectifier()) {
    for (std::size_t i = 0; i < own; ++i) y[i] = std::max(phi.gain() * pre[i], 0.0);
  } else {
    std::copy(pre, pre + own, y.data());
    if (phi.shape().relative) kernels_.activate(phi.shape().kernel, phi.gain(), phi.slope(), static_cast<long>(own), y.data());
    else phi.apply(y.data(), static_cast<long>(own));
  }
  std::copy(pre + own, pre + all, y.data() + own);  // wires
  for (const Forced& f : choices_.stages[neuron_stage(layer)].failed) y[static_cast<std::size_t>(f.site.to)] = f.value;
}

/// Pre-activations of the next layer from the signals of this one.
const double* Layered::Walk::pass_on(Index layer, const LineDoubles& y) {
  return combined(layer, kernels_.nonzero(static_cast<long>(y.size()), y.data(), index_.data(), scale_.data()));
}

/// The same of so many signals in `index_` and `scale_`.
const double* Layered::Walk::combined(Index layer, long count) {
  const Columns::Layer& next = problem_.columns.layers[static_cast<std::size_t>(layer + 1)];
  double* pre = buffer(neuron_stage(layer), 0);
  next.combine(next.bias.data(), count, index_.data(), scale_.data(), pre);
  return pre;
}

/// From the pre-activations of a layer to what it transmits, `y`, and to the pre-activations of the next one.
const double* Layered::Walk::forward(Index layer, const double* pre, LineDoubles& y) {
  step(layer);
  if (rectifies(layer) && choices_.stages[neuron_stage(layer)].failed.empty()) {
    const double gain = problem_.network.activation(layer).gain();
    return combined(layer, kernels_.rectify(static_cast<long>(y.size()), gain, pre, y.data(), index_.data(), scale_.data()));
  }
  activate(layer, pre, y);
  return pass_on(layer, y);
}

/// From the pre-activations of a layer to the outputs; `looked`: what this layer transmits is known to matter.
void Layered::Walk::conclude(Index layer, const double* pre, bool looked) {
  for (Index l = layer; l < problem_.network.layers(); ++l) {
    if (looks_at(l) && !(looked && l == layer) && harmless(l, pre)) return void(count());
    pre = forward(l, pre, sent_[static_cast<std::size_t>(l)]);
  }
  finish(pre);
}

void Layered::Walk::finish(const double* z) {
  if (!count()) return;
  if (exactly_ && choices_.overlapping && !payable()) return;
  if (problem_.harm.of_pre(z) + noise_ >= incumbent_.harm()) replay(taken_);
}

}  // namespace withstand::search
