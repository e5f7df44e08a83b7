// SPDX-License-Identifier: MIT
// What each failed parameter can do at most, whatever else fails: the order that the walk takes them in.
#include <algorithm>
#include <cmath>

#include "core/index.hpp"
#include "core/rounding.hpp"
#include "core/top_sum.hpp"
#include "failure/effects.hpp"
#include "search/adapters/flips_at.hpp"

namespace withstand::search {
FlipsAt::FlipsAt(const Network& net, const std::vector<Space>& fewer, const Domain& domain, Index row, const SearchOptions& options,
                 const ParameterSearch& search, Budget& budget, Incumbent& incumbent)
    : net_(net), space_(fewer.back()), input_(domain.lower.row(row).transpose()), row_(row), goal_(options.goal), budget_(budget),
      incumbent_(incumbent), harm_(net, input_, goal_), nominal_(trace(net, input_)),
      count_(space_.terms().front().failure.counts.front()), fewer_(fewer), search_(search) {
  evaluated_ = search.evaluated(row);
  noise_ = 2 * evaluated_.noise + 1e-13 * harm_.rows().cwiseAbs().rowwise().sum().maxCoeff() * nominal_.pre.back().cwiseAbs().maxCoeff();
  nominal_ranges_ = propagate(net, input_, input_);
  list();
  before_.resize(at(count_) + 1), pre_ = before_;
}

void FlipsAt::list() {
  const Space::Term& term = space_.terms().front();
  std::vector<Become> ways;
  flips_.resize(at(net_.layers()) + 1);
  for (Index l = 1; l <= net_.layers(); ++l)
    for (const Site& site : term.sites[at(l)]) {
      const double weight = stored(net_, site);
      becomes(term.failure, site, weight, ways);
      for (const Become& way : ways) flips_[at(l)].push_back({site, way.way, way.value - weight, 0});
    }
}

const Influence& FlipsAt::influence(Index hidden) {
  while (static_cast<Index>(influences_.size()) <= hidden) {
    const Space& space = fewer_[influences_.size()];
    influences_.push_back(std::make_unique<Influence>(net_, space, nominal_ranges_));
  }
  return *influences_[at(hidden)];
}

void FlipsAt::list_closing() {
  closing_.clear();
  best_.clear();
  const std::vector<Flip>& outputs = flips_.back();
  for (std::size_t n = 0; n < outputs.size();) {  // the ways of a parameter stand together
    const Site& site = outputs[n].site;
    const double factor = objective_(site.to);
    Influence::Closing c{site.is_bias() ? -1 : site.sender(), 0, 0};
    std::size_t low = n, high = n;
    for (; n < outputs.size() && outputs[n].site == site; ++n) {
      const double change = factor * outputs[n].change;
      if (change < c.low) c.low = change, low = n;
      if (change > c.high) c.high = change, high = n;
    }
    if (c.low == 0 && c.high == 0) continue;
    closing_.push_back(c);
    best_.push_back({low, high});
  }
}

double FlipsAt::rate(const Influence& influence, const Influence::Units& units, Index hidden) {
  std::vector<double> largest(at(hidden), 0.0);
  for (Index l = 1; l <= net_.depth(); ++l) {
    Vector low(net_.width(l - 1)), high(low.size());
    for (Index i = 0; i < low.size(); ++i) {
      const Interval y = influence.reachable(l - 1, i);
      low(i) = y.lower, high(i) = y.upper;
    }
    for (Flip& flip : flips_[at(l)]) {
      const bool bias = flip.site.is_bias();
      const double a = flip.change * (bias ? 1 : low(flip.site.sender())), b = flip.change * (bias ? 1 : high(flip.site.sender()));
      const double up = std::max({a, b, 0.0}), down = std::max({-a, -b, 0.0});
      flip.gain = std::max(up * units.rise[at(l)](flip.site.to), down * units.fall[at(l)](flip.site.to)) * (1 + 1e-12);
      flip.idle = (up == 0 && down == 0) || influence.is_flat(l, flip.site.to);
      keep_largest(&flip.gain, 1, largest.data(), hidden);
    }
  }
  last_ = largest.back();
  double sum = 0;
  for (std::size_t n = 0; n + 1 < largest.size(); ++n) sum += largest[n];
  return sum;
}

void FlipsAt::keep_promising(double others) {
  sorted_.assign(at(net_.layers()), {});
  for (Index l = 1; l <= net_.depth(); ++l) {
    std::vector<Flip>& kept = sorted_[at(l)];
    for (const Flip& flip : flips_[at(l)])
      if (!flip.idle && harm_at(others + flip.gain) + noise_ > level_) kept.push_back(flip);  // also of 0: others may do more with it
    std::sort(kept.begin(), kept.end(), [](const Flip& x, const Flip& y) { return x.gain > y.gain; });
  }
}

}  // namespace withstand::search
