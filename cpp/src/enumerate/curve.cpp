// SPDX-License-Identifier: MIT
#include "curve.hpp"

#include <algorithm>
#include <limits>

#include "core/rounding.hpp"

namespace withstand::enumerate {
void Curve::look_up(double distance, double* out, Index ld) const {
  const auto count = static_cast<Index>(outputs.size() / at.size());
  auto next = static_cast<std::size_t>(std::upper_bound(at.begin(), at.end(), distance) - at.begin());
  next = std::min(next, at.size() - 1);  // rounding may lead beyond the end
  const std::size_t knot = next == 0 ? 0 : next - 1;
  const double *from = outputs.data() + static_cast<Index>(knot) * count, *to = outputs.data() + static_cast<Index>(next) * count;
  const double length = at[next] - at[knot], share = length > 0 ? (distance - at[knot]) / length : 0;
  for (Index o = 0; o < count; ++o) out[o * ld] = from[o] + (to[o] - from[o]) * share;
}

CurveFollower::CurveFollower(const Network& network) : net_(network), layers_(static_cast<std::size_t>(network.layers()) + 1) {}

void CurveFollower::follow(const Walk& walk, Index layer, Index neuron, double direction, double end, Curve& curve) {
  const Index last = net_.layers(), behind = std::min(layer + 1, last);
  curve_ = &curve;
  curve.at.clear(), curve.outputs.clear();
  for (Index l = behind; l <= last; ++l) begin(walk, l);
  record();
  if (layer == last) at(last).rates(neuron) = direction;
  else turn(behind, {0, neuron, direction});
  for (Index l = behind; l <= last; ++l) go(l, end);
  record();
}

void CurveFollower::begin(const Walk& walk, Index layer) {
  Layer& here = at(layer);
  here.at = 0;
  here.sums = walk.pre(layer);
  const Index n = here.sums.size();
  here.rates.setZero(n);
  here.lower.resize(n), here.upper.resize(n), here.slope.resize(n);
  here.piece.resize(static_cast<std::size_t>(n));
  for (Index j = 0; j < n; ++j) {
    int piece = 0;
    do enter(layer, j, piece++);
    while (here.sums(j) > here.upper(j));
  }
}

void CurveFollower::enter(Index layer, Index neuron, int piece) {
  Layer& here = at(layer);
  const double gain = net_.activation(layer).gain();
  const Pieces& pieces = net_.activation(layer).pieces();
  here.piece[static_cast<std::size_t>(neuron)] = piece;
  here.lower(neuron) = piece == 0 ? -infinity : pieces.corner[piece - 1] / gain;
  here.upper(neuron) = piece == pieces.corners ? infinity : pieces.corner[piece] / gain;
  here.slope(neuron) = pieces.slope[piece] * gain;
}

/// A layer goes on to a distance; where its neurons bend on the way, the next one turns.
void CurveFollower::go(Index layer, double to) {
  Layer& here = at(layer);
  here.next = here.sums + (to - here.at) * here.rates;
  here.bends.clear();
  const double *next = here.next.data(), *lower = here.lower.data(), *upper = here.upper.data();
  const Index n = here.next.size();
  bool leaves = false;
  for (Index j = 0; j < n; ++j) leaves |= (next[j] < lower[j]) | (next[j] > upper[j]);
  if (leaves) {
    for (Index j = 0; j < n; ++j)
      if (next[j] < lower[j] || next[j] > upper[j]) bend(layer, j, to);
    std::sort(here.bends.begin(), here.bends.end(), [](const Bend& a, const Bend& b) { return a.at < b.at; });
    for (const Bend& one : here.bends) turn(layer + 1, one);
  }
  here.sums.swap(here.next);
  here.at = to;
}

/// All corners that a neuron meets on the way.
void CurveFollower::bend(Index layer, Index neuron, double to) {
  Layer& here = at(layer);
  const double sum = here.sums(neuron), rate = here.rates(neuron), next = here.next(neuron);
  while (next < here.lower(neuron) || next > here.upper(neuron)) {
    const bool up = next > here.upper(neuron);
    const double corner = up ? here.upper(neuron) : here.lower(neuron), slope = here.slope(neuron);
    const double distance = std::min(std::max(here.at + (corner - sum) / rate, here.at), to);
    enter(layer, neuron, here.piece[static_cast<std::size_t>(neuron)] + (up ? 1 : -1));
    here.bends.push_back({distance, neuron, (here.slope(neuron) - slope) * rate});
  }
}

/// One signal before a layer moves at another rate from here on: that of the neuron at the start, or of one that bends.
void CurveFollower::turn(Index layer, const Bend& before) {
  go(layer, before.at);
  Layer& here = at(layer);
  here.change = before.change * Eigen::Map<const Vector>(net_.map(layer).column(before.neuron, here.column), net_.width(layer));
  pass_on(layer);
}

/// All of them do.
void CurveFollower::turn_all(Index layer, double distance, const Vector& signals) {
  go(layer, distance);
  Layer& here = at(layer);
  here.change.setZero(net_.width(layer));
  net_.map(layer).receive(signals.data(), here.change.data());
  pass_on(layer);
}

void CurveFollower::pass_on(Index layer) {
  Layer& here = at(layer);
  here.rates += here.change;
  if (layer == net_.layers()) return record();
  here.change.array() *= here.slope.array();
  if (!here.change.isZero(0)) turn_all(layer + 1, here.at, here.change);
}

/// A knot of the outputs.
void CurveFollower::record() {
  const Layer& outputs = at(net_.layers());
  curve_->at.push_back(outputs.at);
  curve_->outputs.insert(curve_->outputs.end(), outputs.sums.data(), outputs.sums.data() + outputs.sums.size());
}

}  // namespace withstand::enumerate
