// SPDX-License-Identifier: MIT
// What components do to functionals of the outputs.
#include <algorithm>

#include "bounds/influence.hpp"
#include "bounds/products.hpp"
#include "core/index.hpp"
#include "core/rounding.hpp"
#include "core/top_sum.hpp"
#include "withstand/parallel.hpp"

namespace withstand::bounds {
std::vector<double> Influence::gains(const Target& target, double sign) const {
  const Index last = net_.layers();
  std::vector<std::vector<Interval>> weight(at(last));  // of a change of what each neuron sends
  for (Index s = 0; s < last; ++s) {
    const Table& table = arrive_[at(s)];
    for (Index i = 0; i < table.low.cols(); ++i) {
      Interval w{table.low(target.plus, i), table.high(target.plus, i)};
      if (target.is_difference())
        w = {sub_down(w.lower, table.high(target.minus, i)), sub_up(w.upper, table.low(target.minus, i))};
      weight[at(s)].push_back(sign > 0 ? w : Interval{-w.upper, -w.lower});
    }
  }
  std::vector<double> gains;
  for (const Component& component : components_) {
    double gain = 0;
    for (std::size_t n = component.first; n < component.first + component.count; ++n) {
      const Change& change = changes_[n];
      const Index layer = component.site.layer;
      if (layer < last) gain = add_up(gain, most({change.low, change.high}, weight[at(layer)][at(change.neuron)]));
      else if (change.neuron == target.plus) gain = add_up(gain, sign > 0 ? change.high : -change.low);
      else if (change.neuron == target.minus) gain = add_up(gain, sign > 0 ? -change.low : change.high);
    }
    gains.push_back(std::max(gain, 0.0));
  }
  return gains;
}

Influence::Units Influence::units(ConstVectorRef row, const std::vector<Closing>& closing, Index closed) const {
  Units units{std::vector<Vector>(at(net_.layers())), std::vector<Vector>(at(net_.layers()))};
  std::vector<double> rises, falls;
  for (Index l = 1; l <= net_.depth(); ++l) {
    const Table& table = arrive_[at(l)];
    units.rise[at(l)] = units.fall[at(l)] = Vector::Zero(net_.width(l));
    for (Index j = 0; j < net_.width(l); ++j) {
      const Interval slope = slopes_[at(l)][at(j)];
      Interval weight{0, 0};
      for (Index o = 0; o < row.size(); ++o) {
        const Interval here{table.low(o, j), table.high(o, j)}, factor{row(o), row(o)};
        weight = {add_down(weight.lower, least(here, factor)), add_up(weight.upper, most(here, factor))};
      }
      rises.clear(), falls.clear();
      for (const Closing& c : closing) {
        const bool last = l == net_.depth();
        if (last && c.sender != j) continue;
        const Interval effect = last ? Interval{1, 1} : Interval{before_[at(l)].low(c.sender, j), before_[at(l)].high(c.sender, j)};
        const Interval moved{least(effect, slope), most(effect, slope)};
        rises.push_back(std::max(0.0, most(moved, {c.low, c.high})));
        falls.push_back(std::max(0.0, -least(moved, {c.low, c.high})));
      }
      double rise = std::max(0.0, most(weight, slope)), fall = std::max(0.0, -least(weight, slope));
      for (const double more : top_values(rises, closed)) rise = add_up(rise, more);
      for (const double more : top_values(falls, closed)) fall = add_up(fall, more);
      units.rise[at(l)](j) = rise;
      units.fall[at(l)](j) = fall;
    }
  }
  return units;
}

double Influence::bound(const Target& target) const {
  double worst = 0;
  for (const double sign : {1.0, -1.0}) {
    if (sign < 0 && target.is_difference()) break;
    interruption_point();
    const std::vector<double> each = gains(target, sign);
    std::vector<std::vector<std::vector<double>>> sorted(space_.terms().size(),
                                                         std::vector<std::vector<double>>(at(net_.layers() + 1)));
    for (std::size_t c = 0; c < each.size(); ++c)
      if (each[c] > 0) sorted[components_[c].term][at(components_[c].site.layer)].push_back(each[c]);
    worst = std::max(worst, together(sorted));
  }
  return worst;
}

}  // namespace withstand::bounds
