// SPDX-License-Identifier: MIT
// Which places of two images a kernel connects.
#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "core/require.hpp"
#include "withstand/convolution.hpp"

namespace withstand {

Convolution::Connections::Connections(Index places, const std::function<void(Index, std::vector<Tap>&)>& find) {
  std::map<std::vector<std::pair<Index, Index>>, int> known;
  std::vector<std::pair<Index, Index>> list;
  std::vector<Tap> taps;
  first_.reserve(static_cast<std::size_t>(places));
  kind_.reserve(first_.capacity());
  for (Index p = 0; p < places; ++p) {
    taps.clear();
    find(p, taps);
    const Index first = taps.empty() ? 0 : taps.front().place;
    list.clear();
    for (const Tap& tap : taps) list.emplace_back(tap.place - first, tap.entry);
    const auto [kind, unseen] = known.try_emplace(list, static_cast<int>(known.size()));
    if (unseen) {
      for (const auto& [place, entry] : list) taps_.push_back({place, entry});
      start_.push_back(taps_.size());
    }
    first_.push_back(static_cast<int>(first));
    kind_.push_back(kind->second);
  }
}

double Convolution::Connections::size() const {
  std::size_t sum = 0;
  for (const int kind : kind_) sum += start_[static_cast<std::size_t>(kind) + 1] - start_[static_cast<std::size_t>(kind)];
  return static_cast<double>(sum);
}

double Convolution::Connections::bytes() const {
  return 16.0 * static_cast<double>(taps_.size()) + 8.0 * static_cast<double>(start_.size() + kind_.size());
}

/// Where an entry of the kernel leads from a place of one image in the other, axis by axis; -1: nowhere.
template <class Where>
Index Convolution::led(const std::vector<Axis>& axes, Index Axis::* from, Index Axis::* to, Index place, Index entry,
                       const Where& where) {
  Index there = 0, step = 1;
  for (std::size_t a = axes.size(); a-- > 0;) {
    const Axis& axis = axes[a];
    const Index found = where(axis, place % (axis.*from), entry % axis.size * axis.dilation);
    if (found < 0 || found >= axis.*to) return -1;
    place /= axis.*from, entry /= axis.size;
    there += found * step;
    step *= axis.*to;
  }
  return there;
}

/// Of a place of the result in row-major order, so by increasing entry; the entries that a place of the source meets by
/// increasing place of the result, so from the last one.
void Convolution::connect(const std::vector<Axis>& axes) {
  require(std::max(in_places_, out_places_) <= std::numeric_limits<int>::max(), "a convolution of ", in_places_, " places to ",
          out_places_, ", supported are images of 2^31 - 1");
  const auto source = [](const Axis& axis, Index p, Index offset) { return p * axis.stride - axis.before + offset; };
  const auto result = [](const Axis& axis, Index q, Index offset) {
    const Index begin = q + axis.before - offset;
    return begin % axis.stride == 0 ? begin / axis.stride : -1;
  };
  backward_ = Connections(out_places_, [&](Index p, std::vector<Tap>& taps) {
    for (Index e = 0; e < entries_; ++e)
      if (const Index place = led(axes, &Axis::result, &Axis::source, p, e, source); place >= 0) taps.push_back({place, e});
  });
  forward_ = Connections(in_places_, [&](Index q, std::vector<Tap>& taps) {
    for (Index e = entries_; e-- > 0;)
      if (const Index place = led(axes, &Axis::source, &Axis::result, q, e, result); place >= 0) taps.push_back({place, e});
  });
}

}  // namespace withstand
