// SPDX-License-Identifier: MIT
#include "search/layered/evaluator.hpp"

#include <algorithm>

#include "core/index.hpp"
#include "kernels/kernels.hpp"

namespace withstand::search {
Evaluator::Evaluator(const Network& net, const Columns& columns, const Harm& harm, ConstVectorRef input)
    : net_(net), columns_(columns), harm_(harm), nominal_(trace(net, input)), nominal_pre_(columns.layers.size()),
      pre_(columns.layers.size()), post_(columns.layers.size()), index_(at(net.widest())), scale_(at(net.widest())) {
  for (Index l = 0; l <= net.layers(); ++l) {
    post_[at(l)] = nominal_.post[at(l)];
    if (l == 0) continue;
    pre_[at(l)] = Vector::Zero(static_cast<Index>(columns.layers[at(l)].bias.size()));
    pre_[at(l)].head(net.width(l)) = nominal_.pre[at(l)];
    nominal_pre_[at(l)] = pre_[at(l)];
  }
}

/// Pre-activations of layer + 1: the nominal ones and what the changed signals add to them.
void Evaluator::send(Index layer) {
  const Vector& y = post_[at(layer)];
  const Vector& nominal = nominal_.post[at(layer)];
  long count = 0;
  for (Index i = 0; i < y.size(); ++i) {
    index_[at(count)] = static_cast<int>(i);
    scale_[at(count)] = y(i) - nominal(i);
    count += scale_[at(count)] != 0 ? 1 : 0;
  }
  const Columns::Layer& next = columns_.layers[at(layer + 1)];
  next.combine(nominal_pre_[at(layer + 1)].data(), count, index_.data(), scale_.data(), pre_[at(layer + 1)].data());
}

void Evaluator::receive(Index layer, std::vector<Forced>::const_iterator& next,
                        std::vector<Forced>::const_iterator end) {
  Vector& s = pre_[at(layer)];
  const auto first = next;
  for (; next != end && next->site.layer == layer; ++next)
    if (const Site& site = next->site; site.is_synapse())
      s(site.to) += next->value - net_.map(layer).weight(site.to, site.from) * post_[at(layer - 1)](site.from);
  if (layer == net_.layers()) return;
  Vector& y = post_[at(layer)];
  std::copy_n(s.data(), y.size(), y.data());
  net_.activation(layer).apply(y.data(), static_cast<long>(net_.own(layer)));
  for (auto f = first; f != next; ++f)
    if (!f->site.is_synapse()) y(f->site.to) = f->value;
}

double Evaluator::operator()(std::vector<Forced>& failed) {
  if (failed.empty()) return harm_.of_pre(nominal_pre_.back().data());
  std::sort(failed.begin(), failed.end(), [](const Forced& a, const Forced& b) { return a.site < b.site; });
  auto next = failed.cbegin();
  Index layer = next->site.layer;
  if (layer == 0) {
    post_[0] = nominal_.post[0];
    for (; next != failed.cend() && next->site.layer == 0; ++next) post_[0](next->site.to) = next->value;
  } else {
    pre_[at(layer)] = nominal_pre_[at(layer)];
    post_[at(layer - 1)] = nominal_.post[at(layer - 1)];
    receive(layer, next, failed.cend());
  }
  for (; layer < net_.layers(); ++layer) {
    send(layer);
    receive(layer + 1, next, failed.cend());
  }
  return harm_.of_pre(pre_.back().data());
}

double Evaluator::cost() const {
  double cost = 0;
  for (Index l = 2; l <= net_.layers(); ++l)
    cost += net_.map(l).cost() / 4 + 4 * static_cast<double>(net_.width(l));
  return cost;
}

}  // namespace withstand::search
