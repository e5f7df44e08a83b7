// SPDX-License-Identifier: MIT
#include "evaluate/reached.hpp"

namespace withstand {

Reached::Reached(const Network& net)
    : net_(net), changes_(at(net.layers()) + 1), sums_(at(net.layers()) + 1) {}

void Reached::start(const std::vector<Vector>& pre, const std::vector<Vector>& post) {
  pre_ = pre;
  post_ = post;
  kept_.clear();
}

/// From what changes in a layer to what changes in the next one; false where nothing does.
bool Reached::follow(Index layer) {
  const Index next = layer + 1;
  Few& sums = sums_[at(next)];
  Few& changes = changes_[at(next)];
  sums.clear();
  changes.clear();
  net_.map(next).reach(changes_[at(layer)], sums, scratch_);
  const Activation& phi = net_.activation(next);
  const Index own = net_.own(next);
  const bool rectifier = phi.rectifier() && phi.gain() == 1;
  const Vector &pre = pre_[at(next)], &post = post_[at(next)];
  for (std::size_t n = 0; n < sums.at.size(); ++n) {
    const Index j = sums.at[n];
    const double s = pre(j) + sums.value[n];
    const double y = j >= own ? s : rectifier ? (s > 0 ? s : 0.0) : phi(s);
    if (y != post(j)) changes.add(j, y - post(j));
  }
  return !changes.at.empty();
}

void Reached::run(Index layer, Index neuron, double sent, double* column, Index stride) {
  const Vector& intact = outputs();
  const double change = sent - signal(layer, neuron);
  for (Index k = 0; k < intact.size(); ++k) column[k * stride] = intact(k);
  led_to_ = layer;
  if (change == 0) return;
  changes_[at(layer)].clear();
  changes_[at(layer)].add(neuron, change);
  for (; layer < net_.layers(); ++layer) {
    led_to_ = layer + 1;
    if (!follow(layer)) return;
  }
  const Few& last = changes_[at(layer)];
  for (std::size_t n = 0; n < last.at.size(); ++n) column[last.at[n] * stride] += last.value[n];
}

void Reached::commit(Index layer, Index neuron, double sent) {
  const double change = sent - signal(layer, neuron);
  led_to_ = layer;
  if (change == 0) return;
  kept_.push_back({layer, neuron, layer > 0 ? pre_[at(layer)](neuron) : 0, post_[at(layer)](neuron)});
  changes_[at(layer)].clear();
  changes_[at(layer)].add(neuron, change);
  post_[at(layer)](neuron) += change;
  for (bool more = true; more && layer < net_.layers(); ++layer) {
    more = follow(layer);
    led_to_ = layer + 1;
    const Few &sums = sums_[at(layer + 1)], &changes = changes_[at(layer + 1)];
    Vector &pre = pre_[at(layer + 1)], &post = post_[at(layer + 1)];
    for (std::size_t n = 0; n < sums.at.size(); ++n) {
      kept_.push_back({layer + 1, sums.at[n], pre(sums.at[n]), post(sums.at[n])});
      pre(sums.at[n]) += sums.value[n];
    }
    for (std::size_t n = 0; n < changes.at.size(); ++n) post(changes.at[n]) += changes.value[n];
  }
}

void Reached::undo() {
  for (; !kept_.empty(); kept_.pop_back()) {
    const Kept& kept = kept_.back();
    if (kept.layer > 0) pre_[at(kept.layer)](kept.neuron) = kept.pre;
    post_[at(kept.layer)](kept.neuron) = kept.post;
  }
}

}  // namespace withstand
