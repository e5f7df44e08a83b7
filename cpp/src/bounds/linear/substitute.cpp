// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "bounds/linear/relaxation.hpp"
#include "kernels/kernels.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"
#include "core/top_sum.hpp"

// Back-substitution. For a coefficient a on a signal z that is not failed, a z <= a (line of the carrier): the upper line
// where a > 0, the lower one where a < 0. A failure adds at most its gain to that (the selection lemma), so that
//
//   sum a z  <=  sum of the lines  +  the r largest gains,
//
// and the lines go on as coefficients (a * slope) W on the signals of the layer before.
//
// Rounding: the computed coefficients are taken for the true ones at every step. What they are off by, at most
// (n + 2) u |a| |W|, times the largest signals, bounds the error of the step: one product with a vector, |W| magnitude.
namespace withstand::bounds::linear {
namespace {

constexpr Index chunk = 64;  ///< receivers bounded together: their coefficients stay in the second-level cache
constexpr Index kept = Index{1} << 22;  ///< coefficients, and gains, of all of them: of wide layers fewer receivers

void add_gains(const Neurons& neurons, const Rates& rates, const double* a, double* table, bool exactly) {
  const auto n = static_cast<Index>(neurons.open.size());
  double* out = table + neurons.first;
  kernels().split(n, a, rates.positive.data(), rates.negative.data(), out);
  for (Index i = 0; exactly && i < n; ++i)
    if (!neurons.open[at(i)]) out[i] = -infinity;  // there is nothing to choose, not even a gain of 0
}

void add_gains(const Synapses& synapses, Index receiver, double a, double* table) {
  const Index keep = synapses.keep;
  const double* rates = synapses.rates.data() + 2 * keep * receiver;
  double* out = table + synapses.first + 2 * keep * receiver;
  for (Index c = 0; c < keep; ++c) out[c] = a > 0 ? a * rates[c] : 0;
  for (Index c = keep; c < 2 * keep; ++c) out[c] = a > 0 ? 0 : -a * rates[c];
}

}  // namespace

/// What the carriers of layer l are made of, known as soon as layer l - 1 is relaxed.
void Relaxation::enter(Index l) {
  Layer& layer = layers_[at(l)];
  const Layer& before = layers_[at(l - 1)];
  layer.carried = form_ == Form::value || before.live || !layer.synapses.empty() || !layer.cuts.empty();
  if (!layer.carried) return;
  const Affine& map = given_->net.map(l);
  layer.rounding = map.absolute_product(before.magnitude);
  Terms terms;
  for (Index j = 0; j < map.rows(); ++j) {
    map.terms_of_row(j, terms);
    layer.rounding(j) += underflow(terms, before.magnitude, layer.rounding(j));
  }
  if (form_ == Form::value) layer.rounding += given_->net.bias(l).cwiseAbs();
  rate_cuts(l);
  rate_synapses(l);
  double products = before.magnitude.sum() + 2 + static_cast<double>(layer.cuts.size());
  for (const Synapses& synapses : layer.synapses) products += 2 * static_cast<double>(synapses.keep);
  layer.lost_receiving = static_cast<double>(map.rows()) * products * tiny;
}

LayerRange Relaxation::carriers(Index l, const LayerRange* known, const LayerRange* faulty) {
  const Index n = given_->net.width(l);
  LayerRange range{Vector::Zero(n), Vector::Zero(n)};
  enter(l);
  if (!layers_[at(l)].carried) return range;
  range.upper.setConstant(infinity);
  range.lower.setConstant(-infinity);
  if (known != nullptr) range = *known;
  std::vector<char> decided(at(n), false);  // a piece: its range may turn out to be empty
  for (const Restriction::Piece& piece : restriction_->pieces)
    if (piece.layer == l) decided[at(piece.neuron)] = true;
  std::vector<Index> receivers;
  for (Index j = 0; j < given_->net.own(l); ++j)  // where phi is known to be constant, a better range is of no use
    if (known == nullptr || decided[at(j)] || straight_slope(given_->net.activation(l), entry(*faulty, j)) != 0)
      receivers.push_back(j);
  hand_on(l, range);
  const Index widest = std::max(columns_, given_->net.widest());
  const std::size_t some_at_once = at(std::max<Index>(4, std::min(chunk, kept / (2 * widest))));
  for (std::size_t first = 0; first < receivers.size(); first += some_at_once) {
    const auto count = static_cast<Index>(std::min(some_at_once, receivers.size() - first));
    const Index* some = receivers.data() + first;
    interruption_point();
    for (const bool flat : {true, false}) {
      if (!flat && !layers_[at(l - 1)].carried) continue;  // the constants were all there is
      unit_rows(l, some, count);
      if (!flat) descend(l - 1);
      else if (layers_[at(l - 1)].live) send(l - 1, true);
      for (Index r = 0; r < count; ++r) {
        range.upper(some[r]) = std::min(range.upper(some[r]), value(r, l - 1, flat));
        range.lower(some[r]) = std::max(range.lower(some[r]), -value(count + r, l - 1, flat));
      }
    }
  }
  return range;
}

/// Wires carry what their sender hands on, failed or not.
void Relaxation::hand_on(Index l, LayerRange& range) const {
  const Layer& before = layers_[at(l - 1)];
  Terms terms;
  for (Index j = given_->net.own(l); j < given_->net.width(l); ++j) {
    given_->net.map(l).terms_of_row(j, terms);
    const Index i = terms.sender(0);
    Interval handed = entry(before.signal, i);
    for (const Neurons& neurons : before.neurons) {
      if (!neurons.may_fail(i)) continue;
      const Sending& sending = given_->sending[neurons.term];
      const Interval failed = failed_signal(sending.added, sending.free, l - 1, i);
      handed = {std::min(handed.lower, failed.lower), std::max(handed.upper, failed.upper)};
    }
    range.lower(j) = std::max(range.lower(j), handed.lower);
    range.upper(j) = std::min(range.upper(j), handed.upper);
  }
}

/// Through the lines, or through the ranges of the last hidden layer where that is lower: a failed neuron blocks what
/// comes before it, which lines do not see.
Vector Relaxation::objectives(const ConstMatrixRef& rows, bool signals) {
  const Index top = given_->net.layers();
  if (!signals) enter(top);
  if (signals || !layers_[at(top - 1)].carried) return evaluate(rows, signals, false);
  const Vector ranges = evaluate(rows, signals, true);
  kept_.copy(table_);
  Vector bounds = evaluate(rows, signals, false);
  for (Index r = 0; r < rows.rows(); ++r) {
    if (!(ranges(r) < bounds(r))) continue;
    bounds(r) = ranges(r);
    std::copy_n(kept_.row(r), columns_, table_.row(r));
  }
  return bounds;
}

Vector Relaxation::evaluate(const ConstMatrixRef& rows, bool signals, bool flat) {
  const Index top = given_->net.layers();
  start(rows.rows());
  Scratch& given = signals ? signal_ : carrier_;
  given.resize(rows.rows(), rows.cols());
  for (Index r = 0; r < rows.rows(); ++r) std::copy_n(rows.data() + r * rows.outerStride(), rows.cols(), given.row(r));
  if (layers_[at(top)].carried) {
    if (signals) send(top, false);
    receive(top);
    if (flat) send(top - 1, true), no_gains(top - 1, true);
    else descend(top - 1);
    if (marginals_.layer > 0) add_marginals();
  } else {
    no_gains(top, true);
  }
  Vector bounds(rows.rows());
  for (Index r = 0; r < rows.rows(); ++r) bounds(r) = value(r, top - 1, flat);
  return bounds;
}

void Relaxation::start(Index rows) {
  rows_.assign(at(rows), {});
  table_.resize(rows, columns_);
}

/// Rows of W as upper bounds of these receivers, and their negatives as lower ones.
void Relaxation::unit_rows(Index l, const Index* receivers, Index count) {
  const Layer& layer = layers_[at(l)];
  const Affine& map = given_->net.map(l);
  start(2 * count);
  Terms terms;
  signal_.resize(2 * count, map.cols());
  for (Index r = 0; r < 2 * count; ++r) {
    const double sign = r < count ? 1 : -1;
    const Index j = receivers[r < count ? r : r - count];
    const double* weights = map.row(j, terms);
    double* a = signal_.row(r);
    for (Index i = 0; i < map.cols(); ++i) a[i] = sign * weights[i];
    Row& row = rows_[at(r)];
    if (form_ == Form::value) row.constant = sign * given_->net.bias(l)(j);
    row.size = std::abs(row.constant);
    for (const Synapses& synapses : layer.synapses) {
      std::fill_n(table_.row(r) + synapses.first, 2 * synapses.keep * map.rows(), 0.0);
      add_gains(synapses, j, sign, table_.row(r));
    }
    for (const Cut& cut : layer.cuts) {
      if (cut.to != j) continue;
      if (cut.removed) a[cut.from] = 0;
      row.constant += sign > 0 ? cut.gained.upper : -cut.gained.lower;
      row.size += std::max(std::abs(cut.gained.upper), std::abs(cut.gained.lower));
    }
  }
}

/// Coefficients on the carriers of layer l become coefficients on the signals of layer l - 1.
void Relaxation::receive(Index l) {
  const Layer& layer = layers_[at(l)];
  const Affine& map = given_->net.map(l);
  const Index rows = carrier_.rows(), n = map.rows();
  signal_.resize(rows, map.cols());
  std::fill_n(signal_.row(0), rows * map.cols(), 0.0);
  map.pull_back(rows, carrier_.row(0), n, signal_.row(0), map.cols());
  for (Index r = 0; r < rows; ++r) {
    const double* a = carrier_.row(r);
    split_off(rows_[at(r)], layer, a);
    if (form_ == Form::value) {
      const auto products = Eigen::Map<const Vector>(a, n).array() * given_->net.bias(l).array();
      rows_[at(r)].constant += products.sum();  // its rounding is part of the layer's
      rows_[at(r)].size += products.abs().sum();
    }
    for (const Synapses& synapses : layer.synapses)
      for (Index j = 0; j < n; ++j) add_gains(synapses, j, a[j], table_.row(r));
    for (const Cut& cut : layer.cuts)
      if (cut.removed) signal_.row(r)[cut.from] -= a[cut.to] * map.weight(cut.to, cut.from);
  }
}

/// What the carriers add themselves: failed synapses, and the rounding of the step.
void Relaxation::split_off(Row& row, const Layer& layer, const double* a) {
  const Index n = layer.rounding.size();
  for (const Cut& cut : layer.cuts) {
    const double offset = a[cut.to] * (a[cut.to] > 0 ? cut.gained.upper : cut.gained.lower);
    row.constant += offset;
    row.size += std::abs(offset);
  }
  const double scale = kernels().magnitude(n, a, layer.rounding.data());
  row.slack += static_cast<double>(n + 8 + 2 * static_cast<Index>(layer.cuts.size())) * epsilon * scale;
  if (scale > 0 || meets(a, layer.rounding.data(), n)) row.slack += layer.lost_receiving;
}

/// Coefficients on the signals of layer l become coefficients on its carriers; or, `flat`, signals become constants.
void Relaxation::send(Index l, bool flat) {
  const Layer& layer = layers_[at(l)];
  const Index rows = signal_.rows(), n = signal_.cols();
  if (!flat) carrier_.resize(rows, n);
  for (Index r = 0; r < rows; ++r) {
    const double* a = signal_.row(r);
    if (marginals_.layer == l && l > 0)
      marginals_.weight = Eigen::Map<const Vector>(a, n).cwiseMax(0.0).cwiseProduct(marginals_.share);
    double sum = 0, size = 0;
    const Vector& above = flat ? layer.signal.upper : layer.upper_offset;
    const Vector& below = flat ? layer.signal.lower : layer.lower_offset;
    kernels().support(n, a, above.data(), below.data(), &sum, &size);
    if (!flat) kernels().split(n, a, layer.upper_slope.data(), layer.lower_slope.data(), carrier_.row(r));
    Row& row = rows_[at(r)];
    row.constant += sum;
    row.size += size;
    row.slack += static_cast<double>(n + 8) * epsilon * size;
    if (size > 0 || meets(a, layer.magnitude.data(), n)) row.slack += layer.lost_sending;
    for (const Neurons& neurons : layer.neurons)
      add_gains(neurons, flat ? neurons.flat : neurons.rates, a, table_.row(r),
                given_->space.terms()[neurons.term].failure.exactly);
  }
}

/// From coefficients on the signals of layer l down to the first layer whose carriers are constant.
void Relaxation::descend(Index l) {
  for (; layers_[at(l)].live; --l) {
    send(l, false);
    if (!layers_[at(l)].carried) break;
    receive(l);
  }
  no_gains(l, layers_[at(l)].live);
}

/// Below a layer whose signals or carriers are constant nothing matters. (Above it every gain has been written.)
void Relaxation::no_gains(Index l, bool carriers_too) {
  for (const Pool& pool : pools_)
    for (const Pool::Span& span : pool.spans)
      if (span.layer < l || (span.layer == l && carriers_too && pool.synapses))
        for (Index r = 0; r < table_.rows(); ++r) std::fill_n(table_.row(r) + span.first, span.width, 0.0);
}

/// Upper bound of a row whose coefficients were on the signals of a layer.
double Relaxation::value(Index r, Index signals, bool flat) {
  double sum = rows_[at(r)].constant, size = rows_[at(r)].size, slack = rows_[at(r)].slack;
  if (!std::isfinite(sum) || !std::isfinite(slack)) return infinity;
  for (const Pool& pool : pools_) {
    const Index top = pool.synapses ? signals + 1 : signals;
    const double* gains = nullptr;
    Index width = 0;
    bool complete = !pool.synapses;
    for (const Pool::Span& span : pool.spans) {
      const bool reached = flat ? span.layer == top : span.layer <= top;
      complete = complete && reached;
      if (!reached) continue;
      if (gains == nullptr) gains = table_.row(r) + span.first;
      width += span.width;
    }
    if (gains == nullptr) continue;
    const double gain = top_sum(gains, width, pool.budget, pool.exactly && complete);
    if (gain == -infinity) return gain;
    sum += gain;
    size += std::abs(gain);
    for (Index i = 0; pool.exactly && i < width; ++i)
      if (std::isfinite(gains[i])) size += std::abs(gains[i]);
    slack += static_cast<double>(pool.budget + 4) * epsilon * size;
  }
  const std::size_t steps = 8 * layers_.size() + 2 * pools_.size() + 2 * restriction_->failed.size() + 8;
  const double bound = sum + (slack + static_cast<double>(steps) * epsilon * size) * (1 + 1e-9);
  return std::isnan(bound) ? infinity : bound;
}

}  // namespace withstand::bounds::linear
