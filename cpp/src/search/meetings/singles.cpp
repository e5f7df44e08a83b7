// SPDX-License-Identifier: MIT
#include "search/meetings/singles.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/index.hpp"
#include "evaluate/ranges.hpp"
#include "search/meetings/steepness.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

constexpr std::size_t most_touches = std::size_t{1} << 25;  ///< 512 MB
constexpr double float_room = 1 + 1e-6;                     ///< for single precision

/// The first layer with options.
Index lowest_of(const Choices& choices) {
  for (std::size_t s = 0; s < choices.stages.size(); ++s)
    if (!choices.stages[s].options.empty()) return choices.stages[s].layer;
  return static_cast<Index>(choices.stages.size() / 2);
}

}  // namespace

Places::Places(const Network& net, Index lowest) : first_(at(net.layers()) + 2, 0) {
  for (Index l = 1; l <= net.layers(); ++l) {
    const bool behind = l > lowest && l < net.layers();
    first_[at(l + 1)] = first_[at(l)] + (behind ? net.own(l) : 0);
  }
}

Singles::Singles(const Network& net, const Choices& choices, Index lowest)
    : net_(net), places_(net, lowest), least_(Vector::Zero(places_.count())), most_(least_) {
  for (const Choices::Stage& stage : choices.stages)
    for (const Option& option : stage.options)
      if (choices.quotas[option.quota].count > 0) options_.push_back(option);
}

std::optional<Singles> Singles::of(const Network& net, const Choices& choices, Index failures, const Harm& harm,
                                   const Trace& intact) {
  const Index lowest = lowest_of(choices);
  Singles singles(net, choices, lowest);
  singles.steep_ = steepness(net, harm.rows(), choices, lowest);
  Reached reached(net);
  reached.start(intact.pre, intact.post);
  singles.evaluate(harm, choices, intact, failures, reached);
  if (!singles.keep_touches(intact, failures, reached)) return std::nullopt;
  return singles;
}

/// What each failure does alone, and between what bounds any one of them moves a place.
void Singles::evaluate(const Harm& harm, const Choices& choices, const Trace& intact, Index failures, Reached& reached) {
  Index rows = 0;
  for (const Option& option : options_)
    row_.push_back(option.value == reached.signal(option.site.layer, option.site.to) ? -1 : rows++);
  effects_.resize(rows, harm.rows().rows());
  Vector outputs(net_.outputs());
  for (std::size_t n = 0; n < options_.size(); ++n) {
    if (row_[n] < 0) continue;
    interruption_point();
    const Site& site = options_[n].site;
    reached.run(site.layer, site.to, options_[n].value, outputs.data(), 1);
    effects_.row(row_[n]) = (harm.rows() * (outputs - reached.outputs())).transpose();
    unheard_.push_back(0);
    if (failures == 1) continue;  // it meets no other
    for (Index l = site.layer + 1; l <= reached.led_to(); ++l) {
      const Few& sums = reached.sums(l);
      const bool may_fail = l <= net_.depth() && !choices.stages[neuron_stage(l)].options.empty();
      for (std::size_t k = 0; k < sums.at.size(); ++k) {
        if (may_fail && sums.at[k] < net_.own(l)) {
          const double y = net_.activation(l)(intact.pre[at(l)](sums.at[k]) + sums.value[k]);
          unheard_.back() = std::max(unheard_.back(), std::abs(y - intact.post[at(l)](sums.at[k])) * steep_[at(l)](sums.at[k]));
        }
        if (sums.at[k] >= places_.count(l)) continue;
        double &least = least_(places_.first(l) + sums.at[k]), &most = most_(places_.first(l) + sums.at[k]);
        least = std::min(least, sums.value[k]);
        most = std::max(most, sums.value[k]);
      }
    }
  }
}

/// By how much the slopes of a neuron's activation can differ within reach of this change and those of so many others.
double Singles::bend(const Trace& intact, double others, Index layer, Index neuron, double change) const {
  const Index place = places_.first(layer) + neuron;
  const double s = intact.pre[at(layer)](neuron);
  const Interval slopes = local_slopes(net_.activation(layer), {s + others * least_(place) + std::min(change, 0.0),
                                                                s + others * most_(place) + std::max(change, 0.0)});
  return slopes.upper - slopes.lower;
}

bool Singles::keep_touches(const Trace& intact, Index failures, Reached& reached) {
  Vector outputs(net_.outputs());
  end_.assign(at(effects_.rows() * (net_.layers() + 1)), 0);
  meets_.assign(end_.size(), 0);
  if (failures == 1) return true;
  for (std::size_t n = 0; n < options_.size(); ++n) {
    if (row_[n] < 0) continue;
    interruption_point();
    const Site& site = options_[n].site;
    reached.run(site.layer, site.to, options_[n].value, outputs.data(), 1);
    for (Index l = 0; l <= net_.layers(); ++l) {
      for (std::size_t k = 0; l > site.layer && l <= reached.led_to() && k < reached.sums(l).at.size(); ++k) {
        const Index j = reached.sums(l).at[k];
        const double change = reached.sums(l).value[k];
        if (j >= places_.count(l)) continue;
        const double bends = bend(intact, static_cast<double>(failures - 1), l, j, change);
        if (bends == 0 && failures < 3) continue;
        const Index place = places_.first(l) + j;
        const auto above = static_cast<float>(bends * steep_[at(l)](j) * float_room);
        touches_.push_back({static_cast<int>(place), above, change});
        meets_[section(n, l)] += bends * std::min(std::abs(change), std::max(most_(place), -least_(place))) * steep_[at(l)](j);
      }
      end_[section(n, l)] = touches_.size();
    }
    double behind = 0;
    for (Index l = net_.layers(); l >= 0; --l) {
      const double here = meets_[section(n, l)];
      meets_[section(n, l)] = behind;
      behind += here;
    }
    if (touches_.size() > most_touches) return false;
  }
  return true;
}

}  // namespace withstand::search
