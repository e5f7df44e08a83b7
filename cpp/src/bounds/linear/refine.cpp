// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "bounds/linear/relaxation.hpp"
#include "core/interval.hpp"
#include "kernels/kernels.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"
#include "core/top_sum.hpp"

// Better lines for one objective. The bound is the largest, over the failures that are allowed, of a linear function;
// the lines are to make that maximum small: a game between failures and lines, played the way such games are, each side
// answering the average of what the other has played so far. The failures answer with the r largest gains; the lines
// with those that touch the activations where these failures drive them. Every average of lines is a line again, so
// every round gives a bound, and the best is kept.
namespace withstand::bounds::linear {
namespace {

/// share * to + (1 - share) * from, for lines below (`outward` -1) or above (1) on carriers of at most `reach`.
void blend(double& slope, double& offset, const Line& to, double share, double reach, double outward) {
  const double size = std::abs(offset) + std::abs(to.offset) + (slope + to.slope) * reach;
  slope = (1 - share) * slope + share * to.slope;
  offset = (1 - share) * offset + share * to.offset + outward * (8 * epsilon * size + tiny * (1 + reach));
}

}  // namespace

/// The components that a row of these gains counts as failed.
void Relaxation::mark_failures(const double* gains) {
  fails_.assign(layers_.size(), {});
  for (const Pool& pool : pools_) {
    if (pool.synapses || pool.spans.empty()) continue;
    const Index first = pool.spans.front().first, last = pool.spans.back().first + pool.spans.back().width;
    for (const Index column : top_indices(gains + first, last - first, pool.budget))
      for (const Pool::Span& span : pool.spans) {
        const Index i = first + column - span.first;
        if (i < 0 || i >= span.width) continue;
        fails_[at(span.layer)].resize(at(given_->net.width(span.layer)), 0);
        fails_[at(span.layer)][at(i)] = static_cast<char>(1 + pool.term);
      }
  }
  played_sources_.clear();
  if (marginals_.layer == 0) return;
  const std::vector<char>& sources = fails_[at(marginals_.layer - 1)];
  for (std::size_t i = 0; i < sources.size(); ++i)
    if (sources[i] > 0) played_sources_.push_back(static_cast<Index>(i));
}

/// Where these failures drive the carriers. Nothing rests on its accuracy: it only chooses lines.
void Relaxation::play(const double* gains) {
  const Network& net = given_->net;
  mark_failures(gains);
  played_.resize(layers_.size());
  Vector signal;
  for (Index l = 0; l <= net.depth(); ++l) {
    const Layer& layer = layers_[at(l)];
    Vector& carrier = played_[at(l)];
    if (l > 0 && layer.carried && layers_[at(l - 1)].live) carrier = net.map(l).product(signal);
    else carrier.setZero(net.width(l));
    signal.setZero(net.width(l));
    for (Index i = 0; layer.live && i < signal.size(); ++i) signal(i) = played_signal(l, i);
  }
}

double Relaxation::played_signal(Index l, Index i) const {
  const char term = fails_[at(l)].empty() ? char{0} : fails_[at(l)][at(i)];
  const double carrier = played_[at(l)](i);
  if (decided_[at(l)][at(i)] >= 0) return middle(entry(layers_[at(l)].signal, i));
  if (term > 0) {
    const Sending& sending = given_->sending[at(term - 1)];
    return middle(failed_signal(sending.added, sending.free, l, i));
  }
  if (carrier == 0) return 0;
  const Activation& phi = given_->net.activation(l, i);
  const double s = middle(entry(given_->pre[at(l)], i));
  return phi(s + carrier) - phi(s);
}

/// Answer with the lines that touch where the failures have driven the carriers; `share` of the average is theirs. A
/// neuron that fails itself is best answered by a constant: then nothing of what it blocks is counted.
void Relaxation::answer(Index l, double share) {
  Layer& layer = layers_[at(l)];
  for (Index i = 0; i < given_->net.width(l); ++i) {
    const bool blocks = !fails_[at(l)].empty() && fails_[at(l)][at(i)] > 0;
    const bool straight = layer.upper_slope(i) == layer.lower_slope(i) && layer.upper_offset(i) == layer.lower_offset(i);
    if (decided_[at(l)][at(i)] >= 0 || (straight && !blocks)) continue;
    const Interval faulty = entry(layer.faulty, i), pre = entry(given_->pre[at(l)], i);
    const Activation& phi = given_->net.activation(l, i);
    const double s = std::min(std::max(middle(pre) + played_[at(l)](i), faulty.lower), faulty.upper);
    const double above = slope_above(phi, faulty, s), below = slope_below(phi, faulty, s);
    const double noise = noise_of(l, i);
    Line high{above, up(up(offsets(phi, above, faulty).upper - offsets(phi, above, pre).lower) + noise)};
    Line low{below, down(down(offsets(phi, below, faulty).lower - offsets(phi, below, pre).upper) - noise)};
    if (blocks) {
      high = {0, layer.signal.upper(i)};
      low = {0, layer.signal.lower(i)};
    }
    const double reach = std::max(std::abs(layer.deviation.lower(i)), std::abs(layer.deviation.upper(i)));
    blend(layer.upper_slope(i), layer.upper_offset(i), high, share, reach, 1);
    blend(layer.lower_slope(i), layer.lower_offset(i), low, share, reach, -1);
    rate_neurons(l, i, entry(layer.deviation, i));
  }
}

void Relaxation::refine(const ConstMatrixRef& rows, const LinearEffort& effort, Vector& bounds) {
  if (form_ != Form::difference || !given_->point || columns_ == 0) return;
  std::vector<Lines> original;
  for (const Layer& layer : layers_) original.push_back(lines_of(layer));
  kept_.copy(table_);
  best_.copy(table_);
  marginals_.layer = 0;
  for (Index r = 0; r < rows.rows(); ++r) {
    const double enough = effort.enough.size() > 0 ? effort.enough(r) : -infinity;
    if (effort.steps <= 0 || !(bounds(r) > enough)) continue;
    interruption_point();
    prepare_marginals();
    play(kept_.row(r));
    for (int step = 0; step < effort.steps && bounds(r) > enough; ++step) {
      if (step > 0) play(table_.row(0));
      const double bound = round(rows.row(r), 2.0 / (step + 3));
      if (bound >= bounds(r)) continue;
      bounds(r) = bound;
      std::copy_n(table_.row(0), columns_, best_.row(r));
    }
    for (std::size_t l = 0; l < layers_.size(); ++l) set_lines(layers_[l], original[l]);
  }
  table_.copy(best_);
  marginals_.layer = 0;
}

void Relaxation::prepare_marginals() {
  if (marginals_.layer > 0) marginals_.share.setZero();
  for (Index l = 1; l <= given_->net.depth() && marginals_.layer == 0; ++l)
    if (telescopes(l)) telescope(l);
}

/// One answer to the failures that were played, and the bound that it gives.
double Relaxation::round(const ConstMatrixRef& row, double share) {
  if (marginals_.layer > 0) prefer(share);
  for (Index l = 1; l <= given_->net.depth(); ++l)
    if (layers_[at(l)].carried) answer(l, share);
  if (marginals_.layer == 0) return evaluate(row, false, false)(0);
  marginals_.weight.setZero(marginals_.share.size());
  Layer& mixed = layers_[at(marginals_.layer)];
  const Lines pure = lines_of(mixed);
  mix_marginals();
  const double bound = evaluate(row, false, false)(0);
  set_lines(mixed, pure);
  return bound;
}

Relaxation::Lines Relaxation::lines_of(const Layer& layer) {
  Lines lines{layer.upper_slope, layer.upper_offset, layer.lower_slope, layer.lower_offset, {}};
  for (const Neurons& neurons : layer.neurons) lines.rates.push_back(neurons.rates);
  return lines;
}

void Relaxation::set_lines(Layer& layer, const Lines& lines) {
  layer.upper_slope = lines.upper_slope;
  layer.upper_offset = lines.upper_offset;
  layer.lower_slope = lines.lower_slope;
  layer.lower_offset = lines.lower_offset;
  for (std::size_t n = 0; n < layer.neurons.size(); ++n) layer.neurons[n].rates = lines.rates[n];
}

}  // namespace withstand::bounds::linear
