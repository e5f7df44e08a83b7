// SPDX-License-Identifier: MIT
// What a few changes of a convolution's source reach: place by place of the result, all of its channels at once, from the
// changes that its window meets.
#include <algorithm>

#include "core/index.hpp"
#include "kernels/kernels.hpp"
#include "withstand/convolution.hpp"

namespace withstand {
/// The changes sorted by their place, with channels for senders: those of the k-th place that has some are [begin, end[k]),
/// begin = count[place]; sum[place] becomes k + 1.
void Convolution::sort(const Few& senders, Scratch& scratch) const {
  const auto place_of = [&](Index i) { return last_ ? i / in_ : i % in_places_; };
  std::vector<Index>& places = scratch.places;
  places.clear();
  for (const Index i : senders.at)
    if (scratch.count[at(place_of(i))]++ == 0) places.push_back(place_of(i));
  Index total = 0;
  for (const Index q : places) scratch.count[at(q)] = total += scratch.count[at(q)];
  Few& sorted = scratch.some;
  sorted.at.resize(senders.at.size());
  sorted.value.resize(senders.at.size());
  for (std::size_t n = senders.at.size(); n-- > 0;) {
    const Index i = senders.at[n];
    const std::size_t where = at(--scratch.count[at(place_of(i))]);
    sorted.at[where] = last_ ? i % in_ : i / in_places_;
    sorted.value[where] = senders.value[n];
  }
  scratch.end.resize(places.size());
  for (std::size_t k = 0; k < places.size(); ++k) {
    scratch.end[k] = k + 1 < places.size() ? at(scratch.count[at(places[k + 1])]) : senders.at.size();
    scratch.sum[at(places[k])] = static_cast<double>(k + 1);
  }
}

/// The places of the result that any of them reaches, each once.
void Convolution::find(Scratch& scratch) const {
  scratch.reached.clear();
  for (const Index place : scratch.places) {
    for (const Tap tap : forward_.of(place)) {
      const auto p = at(tap.place);
      if (scratch.mark[p] == 0) scratch.reached.push_back(tap.place);
      scratch.mark[p] = 1;
    }
  }
  for (const Index p : scratch.reached) scratch.mark[at(p)] = 0;
}

void Convolution::reach(const Few& senders, Few& receivers, Scratch& scratch) const {
  if (in_group_ < in_) return Affine::reach(senders, receivers, scratch);
  const Matrix& turned = this->turned();
  scratch.grow(std::max(in_places_, out_places_));
  scratch.count.resize(std::max(scratch.count.size(), at(in_places_) + 1), 0);
  sort(senders, scratch);
  find(scratch);
  scratch.index.resize(at(kernel_.cols()) + 64);
  scratch.scale.resize(scratch.index.size());
  scratch.block.assign(2 * at(turned.cols()), 0.0);
  double* const out = scratch.block.data() + turned.cols();
  for (const Index p : scratch.reached) {
    long count = 0;
    for (const Tap tap : backward_.of(p)) {
      const std::size_t q = at(tap.place);
      const auto k = static_cast<std::size_t>(scratch.sum[q]);
      if (k == 0) continue;
      for (std::size_t n = at(scratch.count[q]); n < scratch.end[k - 1]; ++n) {
        scratch.index[at(count)] = static_cast<int>(tap.entry * in_ + scratch.some.at[n]);
        scratch.scale[at(count++)] = scratch.some.value[n];
      }
    }
    kernels().combine(turned.cols(), scratch.block.data(), count, scratch.index.data(), scratch.scale.data(), turned.data(),
                      turned.cols(), out);
    for (Index o = 0; o < out_; ++o) receivers.add(receiver(o, p), out[o]);
  }
  for (const Index q : scratch.places) {
    scratch.sum[at(q)] = 0;
    scratch.count[at(q)] = 0;
  }
}

}  // namespace withstand
