// SPDX-License-Identifier: MIT
#include "withstand/linear.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "bounds/linear/joint.hpp"
#include "bounds/linear/relaxation.hpp"
#include "core/rounding.hpp"
#include "failure/effects.hpp"

namespace withstand {

using bounds::linear::down;
using bounds::linear::epsilon;
using bounds::linear::Relaxation;
using bounds::linear::up;

namespace {

void resolve(bounds::linear::Prepared& prepared, const Space::Term& term) {
  const Failure& failure = term.failure;
  if (failure.equivocal)
    throw std::invalid_argument(failure.describe() + ": the linear bound needs one transmitted value for all successors");
  prepared.sending.push_back({freedom(failure, {0, -1, -1}), is_added(failure.effect), is_weighted(failure.effect)});
  prepared.candidate.emplace_back();
  for (Index l = 0; l <= prepared.net.depth(); ++l) {
    prepared.candidate.back().emplace_back(at(prepared.net.width(l)), char{0});
    if (on_synapses(failure.effect)) continue;
    Vector& noise = prepared.noise[at(l)];
    for (const Site& site : term.sites[at(l)]) {
      if (!is_counted(failure.effect) && noise.size() == 0) noise.setZero(prepared.net.width(l));
      if (!is_counted(failure.effect)) noise(site.to) = up(noise(site.to) + amount(failure, l));
      else prepared.candidate.back().back()[at(site.to)] = 1;
    }
  }
}

void narrow(LayerRange& range, const LayerRange& other) {
  range.lower = range.lower.cwiseMax(other.lower);
  range.upper = range.upper.cwiseMin(other.upper);
}

bool is_empty(const LayerRange& range) { return (range.lower.array() > range.upper.array()).any(); }

LayerRange sum(const LayerRange& a, const LayerRange& b) {
  return {(a.lower + b.lower).unaryExpr(&down), (a.upper + b.upper).unaryExpr(&up)};
}

LayerRange difference(const LayerRange& a, const LayerRange& b) {
  return {(a.lower - b.upper).unaryExpr(&down), (a.upper - b.lower).unaryExpr(&up)};
}

LayerRange image(const Network& net, Index l, const LayerRange& pre) {
  LayerRange post = pre;
  for (Index j = 0; j < pre.lower.size(); ++j) {
    const Interval y = bounds::linear::image(net.activation(l, j), bounds::linear::entry(pre, j));
    post.lower(j) = y.lower;
    post.upper(j) = y.upper;
  }
  return post;
}

/// c z over a range of z, rounded up.
double support(const LayerRange& range, const double* c, Index n) {
  double sum = 0, size = 0, lost = 0;
  for (Index i = 0; i < n; ++i) {
    const double product = c[i] == 0 ? 0 : c[i] * (c[i] > 0 ? range.upper(i) : range.lower(i));
    sum += product;
    size += std::abs(product);
    lost += underflow(c[i], c[i] > 0 ? range.upper(i) : range.lower(i));
  }
  const double bound = sum + static_cast<double>(n + 4) * epsilon * size + lost;
  return std::isnan(bound) ? infinity : bound;
}

}  // namespace

/// One restriction, layer by layer in both forms: the difference form bounds ŝ - s, the value form (over boxes, where
/// it knows something that the difference form does not) ŝ itself, and each is intersected with what the other implies.
struct LinearBound::Node {
  const Prepared* given = nullptr;
  const Restriction* restriction = nullptr;
  const LinearRanges* known = nullptr;
  Relaxation difference, value;
  LinearRanges ranges;
  bool empty = false;

  void relax(Index l);
  void bound_receivers(Index l);
  Vector objectives(Relaxation& form, const ConstMatrixRef& rows, bool signals);
};

void LinearBound::Node::relax(Index l) {
  if (l > 0) bound_receivers(l);
  const std::size_t layer = l > 0 ? at(l) : 1;  // inputs have no carriers
  difference.relax(l, ranges.deviation[layer], ranges.faulty[layer]);
  if (!given->point) value.relax(l, ranges.deviation[layer], ranges.faulty[layer]);
}

void LinearBound::Node::bound_receivers(Index l) {
  const LayerRange* before = known != nullptr ? &known->deviation[at(l)] : nullptr;
  const LayerRange* values = known != nullptr ? &known->faulty[at(l)] : nullptr;
  LayerRange& deviation = ranges.deviation[at(l)] = difference.carriers(l, before, values);
  const LayerRange& nominal = given->pre[at(l)];
  LayerRange& faulty = ranges.faulty[at(l)] = sum(nominal, deviation);
  if (!given->point) narrow(faulty, value.carriers(l, values, values));
  if (known != nullptr) narrow(faulty, *values);
  for (const Restriction::Piece& piece : restriction->pieces) {
    if (piece.layer != l || piece.intact) continue;
    faulty.lower(piece.neuron) = std::max(faulty.lower(piece.neuron), piece.lower);
    faulty.upper(piece.neuron) = std::min(faulty.upper(piece.neuron), piece.upper);
  }
  if (!difference.layer(l).carried) return;  // carriers are the constant 0
  narrow(deviation, withstand::difference(faulty, nominal));
  narrow(faulty, sum(nominal, deviation));
  empty = empty || is_empty(deviation) || is_empty(faulty);
}

/// Upper bounds of objectives on what the outputs hand on: through their lines, or their ranges, the better of both.
Vector LinearBound::Node::objectives(Relaxation& form, const ConstMatrixRef& rows, bool signals) {
  Vector bounds = form.objectives(rows, signals);
  if (!signals) return bounds;
  const LayerRange& range = form.layer(given->net.layers()).signal;
  for (Index r = 0; r < rows.rows(); ++r)
    bounds(r) = std::min(bounds(r), support(range, rows.data() + r * rows.outerStride(), rows.cols()));
  return bounds;
}

LinearBound::LinearBound(const Network& network, const Space& space, ConstVectorRef lower, ConstVectorRef upper)
    : node_(std::make_unique<Node>()) {
  auto prepared = std::make_shared<Prepared>(Prepared{{network, space, lower == upper, {}, {}, {}, {}, {}}});
  prepared->noise.resize(at(network.layers()));
  for (const Space::Term& term : space.terms()) resolve(*prepared, term);
  nominal_ranges(*prepared, lower, upper);
  if (!prepared->point) {  // back-substitution tightens the intact network's ranges too
    const Restriction nothing(space);
    Relaxation intact;
    intact.begin(*prepared, nothing, Relaxation::Form::value, true);
    for (Index l = 0; l <= network.layers(); ++l) {
      LayerRange& pre = prepared->pre[at(l)];
      if (l > 0) narrow(pre, intact.carriers(l));
      if (l > 0) prepared->post[at(l)] = image(network, l, pre);
      intact.relax(l, pre, pre);
    }
  }
  prepared_ = std::move(prepared);
}

LinearBound::LinearBound(const LinearBound& other) : prepared_(other.prepared_), node_(std::make_unique<Node>()) {}
LinearBound::LinearBound(LinearBound&&) noexcept = default;
LinearBound::~LinearBound() = default;

double LinearBound::cost(const Network& net) {
  double cost = 0;
  for (Index l = 2; l <= net.layers(); ++l) {
    const double rows = 2 * static_cast<double>(net.width(l));
    cost += 8 * rows * static_cast<double>(net.width(l - 1));
    for (Index below = l - 1; below >= 2; --below) cost += rows * net.map(below).cost();
  }
  return cost;
}

const std::vector<LayerRange>& LinearBound::nominal() const { return prepared_->pre; }

LinearResult LinearBound::operator()(const Restriction& restriction, const ConstMatrixRef& rows,
                                     const LinearRanges* known, const LinearEffort& effort) {
  const Network& net = prepared_->net;
  if (rows.cols() != net.outputs())
    throw std::invalid_argument("objectives have " + std::to_string(rows.cols()) + " columns, the network has " +
                                std::to_string(net.outputs()) + " outputs");
  Node& node = *node_;
  node.given = prepared_.get();
  node.restriction = &restriction;
  node.known = known;
  node.ranges.deviation.resize(at(net.layers()) + 1);
  node.ranges.faulty.resize(at(net.layers()) + 1);
  node.difference.begin(*prepared_, restriction, Relaxation::Form::difference);
  if (!prepared_->point) node.value.begin(*prepared_, restriction, Relaxation::Form::value);
  node.empty = node.difference.empty();
  const bool signals = !net.activation(net.layers()).identity() || net.activation(net.layers()).gain() != 1;
  for (Index l = 0; l <= (signals ? net.layers() : net.depth()); ++l) node.relax(l);

  LinearResult result;
  result.deviation = node.objectives(node.difference, rows, signals);
  if (!signals && effort.steps > 0) node.difference.refine(rows, effort, result.deviation);
  if (!signals && !prepared_->point && !node.empty && bounds::linear::Joint::applies(*prepared_, restriction))
    result.deviation = result.deviation.cwiseMin(bounds::linear::Joint(*prepared_, restriction, node.ranges).objectives(rows));
  result.faulty = result.deviation;
  const Vector faulty = prepared_->point ? Vector() : node.objectives(node.value, rows, signals);
  for (Index r = 0; r < rows.rows(); ++r) {
    const double* c = rows.data() + r * rows.outerStride();
    const LayerRange& nominal = prepared_->post[at(net.layers())];
    result.faulty(r) = up(result.deviation(r) + support(nominal, c, rows.cols()));
    if (prepared_->point) continue;
    result.faulty(r) = std::min(result.faulty(r), faulty(r));
    const LayerRange opposite{-nominal.upper, -nominal.lower};
    result.deviation(r) = std::min(result.deviation(r), up(faulty(r) + support(opposite, c, rows.cols())));
  }
  if (node.empty) {
    result.deviation.setConstant(-infinity);
    result.faulty.setConstant(-infinity);
  }
  result.ranges = node.ranges;
  result.record(node.difference);
  return result;
}

}  // namespace withstand
