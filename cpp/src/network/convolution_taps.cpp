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

/// Of a place of the result in row-major order, so by increasing entry; the entries that a place of the source meets by
/// increasing place of the result, so from the last one.
void Convolution::connect(const std::vector<Axis>& axes) {
  require(std::max(in_places_, out_places_) <= std::numeric_limits<int>::max(), "a convolution of ", in_places_, " places to ",
          out_places_, ", supported are images of 2^31 - 1");
  backward_ = Connections(out_places_, [&](Index p, std::vector<Tap>& taps) {
    for (Index e = 0; e < entries_; ++e) {
      Index place = 0, rest = p, entry = e, step = 1;
      bool inside = true;
      for (std::size_t a = axes.size(); a-- > 0 && inside;) {
        const Axis& axis = axes[a];
        const Index where = rest % axis.result * axis.stride - axis.before + entry % axis.size * axis.dilation;
        rest /= axis.result, entry /= axis.size;
        inside = where >= 0 && where < axis.source;
        place += where * step;
        step *= axis.source;
      }
      if (inside) taps.push_back({place, e});
    }
  });
  forward_ = Connections(in_places_, [&](Index q, std::vector<Tap>& taps) {
    for (Index e = entries_; e-- > 0;) {
      Index place = 0, rest = q, entry = e, step = 1;
      bool inside = true;
      for (std::size_t a = axes.size(); a-- > 0 && inside;) {
        const Axis& axis = axes[a];
        const Index where = rest % axis.source + axis.before - entry % axis.size * axis.dilation;
        rest /= axis.source, entry /= axis.size;
        inside = where >= 0 && where % axis.stride == 0 && where / axis.stride < axis.result;
        place += where / axis.stride * step;
        step *= axis.result;
      }
      if (inside) taps.push_back({place, e});
    }
  });
}

}  // namespace withstand
