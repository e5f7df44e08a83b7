// SPDX-License-Identifier: MIT
#include "bounds/linear_node.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace withstand {

using namespace relaxed;

namespace {

constexpr Index open = -1, alive = -2;
constexpr double infinity = std::numeric_limits<double>::infinity();

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

Interval entry(const LayerRange& range, Index i) { return {range.lower(i), range.upper(i)}; }

double amplitude(const Failure& failure, Index layer) {
  return failure.amount.size() == 1 || layer == 0 ? failure.amount.front() : failure.amount[at(layer - 1)];
}

/// Everything a failed component may send.
Interval sent(const Failure& failure) {
  const double amount = failure.amount.empty() ? 0 : failure.amount.front();
  return {failure.effect == Effect::stuck ? amount : -amount, amount};
}

}  // namespace

LinearBound::Prepared::Prepared(const Network& network, const Space& failures, ConstVectorRef lower, ConstVectorRef upper)
    : net(network), space(failures), point(lower == upper), noise(at(network.layers())) {
  nominal_ranges(net, lower, upper, pre, post);
  for (const Space::Term& term : space.terms()) {
    const Failure& failure = term.failure;
    if (failure.equivocal)
      throw std::invalid_argument(failure.describe() + ": the linear bound needs one transmitted value for all successors");
    candidate.emplace_back();
    for (Index l = 0; l < net.layers(); ++l) {
      candidate.back().emplace_back(at(net.width(l)), char{0});
      if (on_synapses(failure.effect) || term.sites[at(l)].empty()) continue;
      if (failure.effect == Effect::noise && noise[at(l)].size() == 0) noise[at(l)].setZero(net.width(l));
      for (const Site& site : term.sites[at(l)]) {
        if (failure.effect == Effect::noise) noise[at(l)](site.to) += amplitude(failure, l);
        else candidate.back().back()[at(site.to)] = 1;
      }
    }
  }
}

void LinearBound::Node::begin(const Prepared& prepared, const Restriction& restricted) {
  given = &prepared;
  restriction = &restricted;
  empty = false;
  const Network& net = prepared.net;
  decided.resize(at(net.layers()));
  for (Index l = 0; l < net.layers(); ++l) decided[at(l)].assign(at(net.width(l)), open);
  for (const Site& site : restricted.alive)
    if (!site.is_synapse()) decided[at(site.layer)][at(site.to)] = alive;
  for (std::size_t f = 0; f < restricted.failed.size(); ++f)
    if (const Site& site = restricted.failed[f].site; !site.is_synapse())
      decided[at(site.layer)][at(site.to)] = static_cast<Index>(f);
  layers.resize(at(net.layers()));
  for (Layer& layer : layers) layer.segments.clear();
  ranges.deviation.resize(at(net.layers()) + 1);
  ranges.faulty.resize(at(net.layers()) + 1);
  lay_out();
}

/// Columns of the table of gains: term by term, layer by layer, so that what shares a count is adjacent.
void LinearBound::Node::lay_out() {
  const Network& net = given->net;
  pools.clear();
  columns = 0;
  for (std::size_t t = 0; t < given->space.terms().size(); ++t) {
    const Failure& failure = given->space.terms()[t].failure;
    if (failure.effect == Effect::noise || on_synapses(failure.effect)) continue;
    if (failure.total) pools.push_back({t, restriction->left[t].front(), failure.exactly, {}});
    for (Index l = 0; l < net.layers(); ++l) {
      const Index left = restriction->remaining(given->space, t, l);
      if (!failure.total) pools.push_back({t, left, failure.exactly, {}});
      Segment segment;
      segment.term = t;
      segment.layer = l;
      segment.first = columns;
      segment.width = net.width(l);
      segment.open = given->candidate[t][at(l)];
      for (Index i = 0; i < segment.width; ++i) segment.open[at(i)] &= decided[at(l)][at(i)] == open;
      if (left <= 0 || std::find(segment.open.begin(), segment.open.end(), 1) == segment.open.end()) {
        empty = empty || (failure.exactly && !failure.total && left > 0);
        continue;
      }
      pools.back().segments.emplace_back(l, layers[at(l)].segments.size());
      columns += segment.width;
      layers[at(l)].segments.push_back(std::move(segment));
    }
  }
}

void LinearBound::Node::intersect(Index l, const LayerRange& range) {
  LayerRange& deviation = ranges.deviation[at(l)];
  deviation.lower = deviation.lower.cwiseMax(range.lower);
  deviation.upper = deviation.upper.cwiseMin(range.upper);
}

void LinearBound::Node::bound_carriers(Index l, const LinearRanges* known) {
  const Index n = given->net.width(l);
  LayerRange& deviation = ranges.deviation[at(l)];
  layers[at(l)].carried = layers[at(l - 1)].live;
  deviation.lower.setZero(n);
  deviation.upper.setZero(n);
  if (layers[at(l)].carried) propagate(l);
  if (known != nullptr) intersect(l, known->deviation[at(l)]);
  LayerRange& faulty = ranges.faulty[at(l)];
  const LayerRange& nominal = given->pre[at(l)];
  faulty.lower = (nominal.lower + deviation.lower).unaryExpr(&down);
  faulty.upper = (nominal.upper + deviation.upper).unaryExpr(&up);
  if (known != nullptr) {
    faulty.lower = faulty.lower.cwiseMax(known->faulty[at(l)].lower);
    faulty.upper = faulty.upper.cwiseMin(known->faulty[at(l)].upper);
  }
  for (const Restriction::Piece& piece : restriction->pieces) {
    if (piece.layer != l) continue;
    faulty.lower(piece.neuron) = std::max(faulty.lower(piece.neuron), piece.lower);
    faulty.upper(piece.neuron) = std::min(faulty.upper(piece.neuron), piece.upper);
  }
  if (layers[at(l)].carried)
    intersect(l, {(faulty.lower - nominal.upper).unaryExpr(&down), (faulty.upper - nominal.lower).unaryExpr(&up)});
  if ((faulty.lower.array() > faulty.upper.array()).any() || (deviation.lower.array() > deviation.upper.array()).any())
    empty = true;
}

void LinearBound::Node::propagate(Index l) {
  const Matrix& w = given->net.weight(l);
  LayerRange& deviation = ranges.deviation[at(l)];
  constexpr Index chunk = 64;  // rows bounded together: their coefficients stay in the second-level cache
  for (Index first = 0; first < w.rows(); first += chunk) {
    const Index count = std::min(chunk, w.rows() - first);
    block.signal.resize(2 * count, w.cols());
    block.signal.topRows(count) = w.middleRows(first, count);
    block.signal.bottomRows(count) = -w.middleRows(first, count);
    start(2 * count);
    concretise(l - 1);
    for (Index j = 0; j < count; ++j) {
      deviation.upper(first + j) = value(j, l - 1, true);
      deviation.lower(first + j) = -value(count + j, l - 1, true);
    }
    if (!layers[at(l - 1)].carried) continue;  // the constants are all there is
    start(2 * count);
    substitute(l - 1);
    for (Index j = 0; j < count; ++j) {
      deviation.upper(first + j) = std::min(deviation.upper(first + j), value(j, l - 1, false));
      deviation.lower(first + j) = std::max(deviation.lower(first + j), -value(count + j, l - 1, false));
    }
  }
}

void LinearBound::Node::relax(Index l) {
  Layer& layer = layers[at(l)];
  const Index n = given->net.width(l);
  for (Vector* v : {&layer.upper_slope, &layer.upper_offset, &layer.lower_slope, &layer.lower_offset, &layer.upper_floor,
                    &layer.lower_ceiling, &layer.signal.lower, &layer.signal.upper, &layer.magnitude, &layer.rounding})
    v->setZero(n);
  for (Segment& segment : layer.segments)
    for (Rates* rates : {&segment.rates, &segment.flat}) rates->positive.setZero(n), rates->negative.setZero(n);
  for (Index i = 0; i < n; ++i) relax_neuron(l, i);
  layer.live = !layer.segments.empty() || (layer.magnitude.array() != 0).any();
  if (l == 0) return;
  const LayerRange& deviation = ranges.deviation[at(l)];
  if (layer.carried)
    layer.rounding = given->net.weight(l).cwiseAbs() * layers[at(l - 1)].magnitude +
                     2 * deviation.lower.cwiseAbs().cwiseMax(deviation.upper.cwiseAbs());
}

void LinearBound::Node::relax_neuron(Index l, Index i) {
  Layer& layer = layers[at(l)];
  const Interval nominal = entry(given->post[at(l)], i);
  Response response;
  double noise = given->noise[at(l)].size() > 0 ? given->noise[at(l)](i) : 0;
  if (const Index f = decided[at(l)][at(i)]; f >= 0) {
    const Restriction::Failed& failed = restriction->failed[at(f)];
    const Effect effect = given->space.terms()[failed.term].failure.effect;
    response.signal = failed_deviation(effect, {failed.lower, failed.upper}, nominal);
    response.lower.offset = response.signal.lower;
    response.upper.offset = response.signal.upper;
    noise = 0;
  } else if (layer.carried) {
    const Receiver receiver{entry(given->pre[at(l)], i), nominal, entry(ranges.deviation[at(l)], i),
                            entry(ranges.faulty[at(l)], i)};
    response = difference_response(given->net.activation(l), receiver, given->point);
  }
  const double low = l > 0 && layer.carried ? ranges.deviation[at(l)].lower(i) : 0;
  const double high = l > 0 && layer.carried ? ranges.deviation[at(l)].upper(i) : 0;
  layer.upper_slope(i) = response.upper.slope;
  layer.lower_slope(i) = response.lower.slope;
  layer.upper_offset(i) = up(response.upper.offset + noise);
  layer.lower_offset(i) = down(response.lower.offset - noise);
  layer.upper_floor(i) = down(down(response.upper.slope * low) + layer.upper_offset(i));
  layer.lower_ceiling(i) = up(up(response.lower.slope * high) + layer.lower_offset(i));
  layer.signal.lower(i) = down(response.signal.lower - noise);
  layer.signal.upper(i) = up(response.signal.upper + noise);
  layer.magnitude(i) = std::max(std::abs(layer.signal.lower(i)), std::abs(layer.signal.upper(i)));
  for (Segment& segment : layer.segments) rate(segment, l, i);
}

/// Gains of a failure over the lines, and over the constants; and how far it may throw the signal.
void LinearBound::Node::rate(Segment& segment, Index l, Index i) {
  if (!segment.open[at(i)]) return;
  Layer& layer = layers[at(l)];
  const Failure& failure = given->space.terms()[segment.term].failure;
  const Interval failed = failed_deviation(failure.effect, sent(failure), entry(given->post[at(l)], i));
  segment.rates.positive(i) = up(failed.upper - layer.upper_floor(i));
  segment.rates.negative(i) = up(layer.lower_ceiling(i) - failed.lower);
  segment.flat.positive(i) = up(failed.upper - layer.signal.upper(i));
  segment.flat.negative(i) = up(layer.signal.lower(i) - failed.lower);
  layer.magnitude(i) = std::max({layer.magnitude(i), std::abs(failed.lower), std::abs(failed.upper)});
}

void LinearBound::Node::bound_outputs(const ConstMatrixRef& rows, const LinearRanges* known, Vector& bounds) {
  const Network& net = given->net;
  const Index top = net.depth();
  (void)known;
  bounds.setZero(rows.rows());
  block.signal = rows * net.weight(top + 1);
  start(rows.rows());
  if (!layers[at(top)].live) {
    block.table.setZero();
    return;
  }
  const Vector size = net.weight(top + 1).cwiseAbs() * layers[at(top)].magnitude;
  block.slack = static_cast<double>(rows.cols() + 4) * epsilon * (rows.cwiseAbs() * size);
  substitute(top);
  for (Index r = 0; r < rows.rows(); ++r) bounds(r) = value(r, top, false);
}

}  // namespace withstand
