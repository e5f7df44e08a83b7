// SPDX-License-Identifier: MIT
#include "bounds/linear/joint.hpp"

#include <algorithm>
#include <cmath>

#include "withstand/parallel.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds::linear {
namespace {

/// The line that bounds coefficient * signal from above.
const Line& above(const Response& response, double coefficient) {
  return coefficient > 0 ? response.upper : response.lower;
}

Matrix pulled_back(const Affine& map, const Matrix& rows) {
  if (map.matrix() != nullptr) return rows * *map.matrix();
  Matrix result = Matrix::Zero(rows.rows(), map.cols());
  map.pull_back(rows.rows(), rows.data(), rows.cols(), result.data(), result.cols());
  return result;
}

double largest_offset(const Response& r) { return std::max(std::abs(r.lower.offset), std::abs(r.upper.offset)); }

}  // namespace

bool Joint::applies(const Prepared& prepared, const Restriction& restriction) {
  for (const Space::Term& term : prepared.space.terms())
    if (on_synapses(term.failure.effect) || !is_counted(term.failure.effect)) return false;
  for (const auto& counts : restriction.left)
    for (const Index count : counts)
      if (count > 0) return false;
  return true;
}

Joint::Joint(const Prepared& prepared, const Restriction& restriction, LinearRanges& ranges)
    : given_(prepared), restriction_(restriction), ranges_(ranges), pre_(prepared.pre), post_(prepared.post),
      layers_(at(prepared.net.layers())) {
  const Network& net = prepared.net;
  for (Index l = 0; l <= net.depth(); ++l) failures_.emplace_back(at(net.width(l)), Index{-1});
  for (std::size_t f = 0; f < restriction.failed.size(); ++f) {
    const Site& site = restriction.failed[f].site;
    failures_[at(site.layer)][at(site.to)] = static_cast<Index>(f);
  }
  for (Index l = 0; l <= net.depth(); ++l) {
    if (l > 1) tighten(l);  // what layer 1 receives is linear in the inputs: its ranges are exact
    relax(l);
    scale(l);
  }
}

Vector Joint::objectives(const ConstMatrixRef& rows) { return descend(given_.net.layers(), rows); }

/// Rows that are taken down from layer l together: as many as a product with the weights of any layer takes some
/// hundredths of a second for, so that interruption points are not far apart.
Index Joint::together(Index l) const {
  constexpr Index at_once = Index{1} << 27;
  Index largest = 1;
  for (; l > 0; --l) largest = std::max(largest, given_.net.width(l) * given_.net.width(l - 1));
  return std::max<Index>(8, at_once / largest);
}

void Joint::relax(Index l) {
  Lines& layer = layers_[at(l)];
  const Index n = given_.net.width(l);
  layer.difference.resize(at(n)), layer.faulty.resize(at(n)), layer.intact.resize(at(n));
  layer.deviation_middle.setZero(n), layer.intact_middle.setZero(n);
  for (Index i = 0; l > 0 && i < n; ++i) {
    const Activation& phi = given_.net.activation(l, i);
    const Interval faulty = entry(ranges_.faulty[at(l)], i), deviation = entry(ranges_.deviation[at(l)], i);
    const Interval pre = implied(l, i, faulty, deviation);
    layer.intact[at(i)] = value_response(phi, pre);
    layer.intact_middle(i) = middle(entry(pre_[at(l)], i));
    if (failures_[at(l)][at(i)] >= 0) continue;
    layer.difference[at(i)] = difference_response(phi, {pre, entry(post_[at(l)], i), deviation, faulty}, false);
    const bool same = faulty.lower == pre.lower && faulty.upper == pre.upper;  // no failure is in front
    layer.faulty[at(i)] = same ? layer.intact[at(i)] : value_response(phi, faulty);
    const double both = middle(entry(ranges_.faulty[at(l)], i)) - layer.intact_middle(i);
    layer.deviation_middle(i) = std::min(std::max(both, deviation.lower), deviation.upper);
  }
}

/// Range of the intact pre-activation s = ŝ - η: where a piece is decided for ŝ, it holds for s as far as η allows.
Interval Joint::implied(Index l, Index i, Interval faulty, Interval deviation) {
  Interval pre = entry(pre_[at(l)], i);
  const double lower = std::max(pre.lower, down(faulty.lower - deviation.upper));
  const double upper = std::min(pre.upper, up(faulty.upper - deviation.lower));
  if (!(lower <= upper) || (lower == pre.lower && upper == pre.upper)) return pre;  // or no input is left
  pre = {lower, upper};
  const Interval post = image(given_.net.activation(l, i), pre);
  pre_[at(l)].lower(i) = lower, pre_[at(l)].upper(i) = upper;
  post_[at(l)].lower(i) = std::max(post_[at(l)].lower(i), post.lower);
  post_[at(l)].upper(i) = std::min(post_[at(l)].upper(i), post.upper);
  return pre;
}

/// For the rounding errors: how large what is multiplied can be.
void Joint::scale(Index l) {
  Lines& layer = layers_[at(l)];
  const LayerRange& post = post_[at(l)];
  const Index n = post.lower.size();
  Vector signal(n), deviation = Vector::Zero(n);
  layer.scale.resize(n);
  for (Index i = 0; i < n; ++i) {
    signal(i) = layer.scale(i) = magnitude(entry(post, i));
    if (const Index f = failures_[at(l)][at(i)]; f >= 0) {
      const Restriction::Failed& failed = restriction_.failed[at(f)];
      deviation(i) = magnitude({failed.lower, failed.upper}) + signal(i);
    } else if (l > 0) {
      const Response& difference = layer.difference[at(i)];
      deviation(i) = magnitude(difference.signal);
      layer.scale(i) += largest_offset(difference) + largest_offset(layer.faulty[at(i)]);
    }
    layer.scale(i) += deviation(i) + largest_offset(layer.intact[at(i)]);
    if (l == 0) continue;
    const auto size = [&](const LayerRange& range) { return magnitude(entry(range, i)); };
    const double carriers = size(pre_[at(l)]) + size(ranges_.faulty[at(l)]) + size(ranges_.deviation[at(l)]);
    layer.scale(i) += given_.net.activation(l, i).lipschitz() * carriers;
  }
  const Affine& map = given_.net.map(l + 1);
  layer.deviation_sum = map.absolute_product(deviation);
  layer.intact_sum = map.absolute_product(signal) + given_.net.bias(l + 1).cwiseAbs();
}

/// Better ranges of the carriers of layer l, where they bend an activation.
void Joint::tighten(Index l) {
  const Index n = given_.net.width(l);
  LayerRange& deviation = ranges_.deviation[at(l)];
  LayerRange& faulty = ranges_.faulty[at(l)];
  std::vector<Index> bent;
  for (Index j = 0; j < n; ++j)
    if (deviation.lower(j) < deviation.upper(j) && straight_slope(given_.net.activation(l, j), entry(faulty, j)) < 0)
      bent.push_back(j);
  const auto count = static_cast<Index>(bent.size());
  if (count == 0) return;
  Vector bounds(2 * count);
  const Index step = together(l);
  for (Index first = 0; first < 2 * count; first += step) {
    const Index some = std::min(step, 2 * count - first);
    Matrix rows = Matrix::Zero(some, n);
    for (Index r = 0; r < some; ++r) {
      const Index which = first + r;
      rows(r, bent[at(which % count)]) = which < count ? 1 : -1;
    }
    bounds.segment(first, some) = descend(l, std::move(rows));
  }
  const LayerRange& pre = given_.pre[at(l)];
  for (Index r = 0; r < count; ++r) {
    const Index j = bent[at(r)];
    const double upper = std::min(deviation.upper(j), bounds(r));
    const double lower = std::max(deviation.lower(j), -bounds(count + r));
    if (!(lower <= upper)) continue;  // no input is left; the objectives will not say more
    deviation.lower(j) = lower, deviation.upper(j) = upper;
    const double least = std::max(faulty.lower(j), down(pre.lower(j) + lower));
    const double most = std::min(faulty.upper(j), up(pre.upper(j) + upper));
    if (least <= most) faulty.lower(j) = least, faulty.upper(j) = most;
  }
}

/// Upper bounds of rows over the deviations of the carriers of layer l.
Vector Joint::descend(Index l, Matrix deviation) {
  Matrix intact = Matrix::Zero(deviation.rows(), deviation.cols());
  Vector bounds = Vector::Zero(deviation.rows()), slack = bounds, size = bounds;
  for (; l > 0; --l) {
    interruption_point();
    const Lines& layer = layers_[at(l - 1)];
    const Affine& w = given_.net.map(l);
    const double steps = static_cast<double>(w.rows() + w.cols() + 32) * epsilon;
    const double lost = (layer.scale.sum() + layer.deviation_sum.sum() + layer.intact_sum.sum() + 1) * tiny;
    slack.array() += static_cast<double>(w.rows() + w.cols()) * lost;
    bounds += intact * given_.net.bias(l);
    slack += steps * (deviation.cwiseAbs() * layer.deviation_sum + intact.cwiseAbs() * layer.intact_sum);
    deviation = pulled_back(w, deviation);
    intact = pulled_back(w, intact);
    slack += steps * ((deviation.cwiseAbs() + intact.cwiseAbs()) * layer.scale);
    for (Index r = 0; r < bounds.size(); ++r) {
      Coefficients c;
      for (Index i = 0; i < w.cols(); ++i) {
        c.deviation = deviation(r, i), c.intact = intact(r, i);
        cross(l - 1, i, c);
        deviation(r, i) = c.deviation, intact(r, i) = c.intact;
      }
      bounds(r) += c.constant;
      size(r) += std::abs(bounds(r));
    }
  }
  bounds += slack * (1 + 1e-9) + 8 * epsilon * size;
  return bounds.unaryExpr([](double b) { return std::isnan(b) ? infinity : b; });
}

/// From coefficients on the signals of a neuron to coefficients on its carriers.
void Joint::cross(Index l, Index i, Coefficients& c) const {
  const Lines& layer = layers_[at(l)];
  const double a = c.deviation;
  if (failures_[at(l)][at(i)] >= 0) return fail(l, i, c);
  if (l == 0) {  // the inputs
    c.constant += c.intact * (c.intact > 0 ? given_.post[0].upper(i) : given_.post[0].lower(i));
    return;
  }
  const double rest = c.intact - a, eta = layer.deviation_middle(i), s = layer.intact_middle(i);
  const Line &difference = above(layer.difference[at(i)], a), &faulty = above(layer.faulty[at(i)], a);
  const Line &intact = above(layer.intact[at(i)], c.intact), &remaining = above(layer.intact[at(i)], rest);
  const Coefficients apart{a * difference.slope, c.intact * intact.slope,
                           a * difference.offset + c.intact * intact.offset};
  const Coefficients both{a * faulty.slope, a * faulty.slope + rest * remaining.slope,
                          a * faulty.offset + rest * remaining.offset};
  const auto value = [&](const Coefficients& form) { return form.deviation * eta + form.intact * s + form.constant; };
  const Coefficients& better = value(both) < value(apart) ? both : apart;
  c = {better.deviation, better.intact, c.constant + better.constant};
}

void Joint::fail(Index l, Index i, Coefficients& c) const {
  const Restriction::Failed& failed = restriction_.failed[at(failures_[at(l)][at(i)])];
  c.constant += c.deviation * (c.deviation > 0 ? failed.upper : failed.lower);
  if (!given_.sending[failed.term].added) c.intact -= c.deviation;  // ŷ - y = v - y
  c.deviation = 0;
  if (l == 0) {
    c.constant += c.intact * (c.intact > 0 ? given_.post[0].upper(i) : given_.post[0].lower(i));
    return;
  }
  const Line& line = above(layers_[at(l)].intact[at(i)], c.intact);
  c.constant += c.intact * line.offset;
  c.intact *= line.slope;
}

}  // namespace withstand::bounds::linear
