// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "bounds/linear/relaxation.hpp"
#include "kernels/kernels.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"
#include "core/top_sum.hpp"

// A second kind of upper bound for a convex phi of two pieces that meet at the origin, whose carrier only the failures of one layer move, each
// by c_i. Let them fail one after the other: when the next one fails, the carrier is at some t that at most r - 1 others
// have led to, and phi changes by phi(t + c_i) - phi(t), at most the largest of this over the reachable t,
//
//   phi(b + sum c_i m_i)  <=  phi(b) + sum g_i m_i,   g_i = max phi(t + c_i) - phi(t).
//
// For one failure it is exact, where a chord over the whole range is not; for many the chord wins. Convex combinations
// of both are bounds, and `refine` looks for the best. Which receivers have such a bound is remembered: to ask the lines
// again would be wrong, for two lines that coincide when this is prepared may differ by a rounding error later.
namespace withstand::bounds::linear {
namespace {

/// The sum of the count - 1 largest of the nonnegative values, and what takes the place of one that is left out.
struct Others {
  double sum = 0;        ///< of the count - 1 largest
  double threshold = 0;  ///< the smallest of these; infinite where there are none
  double next = 0;       ///< the largest beyond them
  double total = 0;      ///< of the count largest

  Others(const std::vector<double>& values, std::size_t count) {
    std::vector<double> best(count, 0.0);
    if (!keep_largest(values.data(), static_cast<Index>(values.size()), best.data(), static_cast<Index>(count)))
      best.assign(count, infinity);
    for (std::size_t c = 0; c + 1 < count; ++c) sum += best[c];
    threshold = count > 1 && best[count - 2] > 0 ? best[count - 2] : infinity;
    next = best.back();
    total = sum + next;
  }
  /// Sum of the count - 1 largest of the other values.
  double without(double value) const { return value >= threshold ? sum - value + next : sum; }
};

}  // namespace

/// Layer l moves only by what fails in layer l - 1, all of one term.
bool Relaxation::telescopes(Index l) const {
  const Layer& layer = layers_[at(l)];
  const Layer& before = layers_[at(l - 1)];
  const Activation& phi = given_->net.activation(l);
  const Pieces& p = phi.pieces();
  const bool convex = phi.piecewise_linear() && p.corners == 1 && p.corner[0] == 0 && p.intercept[0] == 0 &&
                      p.slope[0] <= p.slope[1] && p.slope[1] == 1;
  constexpr double most = 1 << 26;  // gains that are kept, of maps that are not that large themselves
  const Affine& map = given_->net.map(l);
  if (map.matrix() == nullptr && static_cast<double>(map.rows()) * static_cast<double>(map.cols()) > most) return false;
  if (given_->net.width(l - 1) > given_->net.own(l - 1)) return false;  // gains are of neurons alone
  return convex && layer.carried && before.live && !before.carried && layer.synapses.empty() && layer.cuts.empty() &&
         before.neurons.size() == 1;
}

void Relaxation::telescope(Index l) {
  const Layer& layer = layers_[at(l)];
  const Neurons& sources = layers_[at(l - 1)].neurons.front();
  const Space::Term& term = given_->space.terms()[sources.term];
  const Index n = given_->net.width(l), width = given_->net.width(l - 1);
  const auto budget = at(std::min(restriction_->remaining(given_->space, sources.term, l - 1), width));
  marginals_.layer = l;
  marginals_.telescoped.assign(at(n), 0);
  marginals_.share.setZero(n);
  marginals_.constant.setZero(n);
  marginals_.drop.setZero(n);
  marginals_.largest.setZero(n);
  marginals_.gains.setZero(n, width);
  LayerRange change{Vector::Zero(width), Vector::Zero(width)};
  for (Index i = 0; i < width; ++i) {
    if (!sources.may_fail(i)) continue;
    const Interval failed = failed_signal(term.failure, sent_by(term.failure), l - 1, i);
    const Interval intact = entry(layers_[at(l - 1)].signal, i);
    change.lower(i) = down(failed.lower - intact.upper);
    change.upper(i) = up(failed.upper - intact.lower);
  }
  for (Index j = 0; j < n; ++j) {
    if (layer.upper_slope(j) == layer.lower_slope(j)) continue;  // a straight line is hard to beat
    interruption_point();
    marginals_.telescoped[at(j)] = 1;
    telescope_receiver(j, budget, change);
  }
}

/// Where the carrier of receiver j is before anything more fails: nominal value and what is decided.
Interval Relaxation::base(Index l, Index j) const {
  const LayerRange& signal = layers_[at(l - 1)].signal;
  Terms terms;
  const double* w = given_->net.map(l).row(j, terms);
  double high = 0, low = 0, size = 0;
  kernels().support(signal.lower.size(), w, signal.upper.data(), signal.lower.data(), &high, &size);
  kernels().support(signal.lower.size(), w, signal.lower.data(), signal.upper.data(), &low, &size);
  const Vector& magnitude = layers_[at(l - 1)].magnitude;
  const double error = static_cast<double>(signal.lower.size() + 8) * epsilon * size +
                       underflow(w, magnitude.data(), magnitude.size(), size);
  return {down(given_->pre[at(l)].lower(j) + low - error), up(given_->pre[at(l)].upper(j) + high + error)};
}

void Relaxation::telescope_receiver(Index j, std::size_t budget, const LayerRange& change) {
  const Index l = marginals_.layer, width = change.lower.size();
  const Layer& layer = layers_[at(l)];
  const Activation& phi = given_->net.activation(l);
  Terms terms;
  const double* w = given_->net.map(l).row(j, terms);
  const Interval start = base(l, j);
  std::vector<double> rise(at(width)), fall(at(width));  // by how much each failure can move the carrier
  kernels().split(width, w, change.upper.data(), change.lower.data(), rise.data());
  kernels().split(width, w, change.lower.data(), change.upper.data(), fall.data());
  for (double& value : fall) value = -value;
  const Others higher(rise, budget), lower(fall, budget);
  const double right = phi.gain(), left = phi.gain() * phi.pieces().slope[0];
  const auto value = [=](double s) { return s > 0 ? right * s : left * s; };
  const double reach = std::max(std::abs(start.lower), std::abs(start.upper)) + higher.total + lower.total;
  const double error = static_cast<double>(8 * budget + 64) * epsilon * right * reach + 0x1p-1000;
  double* gains = marginals_.gains.data() + j * width;
  double most = 0;
  for (Index i = 0; i < width; ++i) {
    const double c = rise[at(i)];
    const double t = c > 0 ? start.upper + higher.without(c) : start.lower - lower.without(fall[at(i)]);
    const double gain = value(t + c) - value(t) + error;
    gains[i] = c == 0 && fall[at(i)] == 0 ? 0 : gain;
    most = std::max(most, std::abs(gains[i]));
    fall[at(i)] = -gains[i];
  }
  const Interval after = image(phi, start), before = image(phi, entry(given_->pre[at(l)], j));
  marginals_.constant(j) = up(up(after.upper - before.lower) + noise_of(l, j));
  marginals_.largest(j) = most;
  if (!layer.neurons.empty())
    marginals_.drop(j) = (1 + static_cast<double>(budget + 4) * epsilon) * top_sum(fall.data(), width, static_cast<Index>(budget));
}

/// After a round: which of the two would have been lower at the failures that were played?
void Relaxation::prefer(double share) {
  const Index l = marginals_.layer;
  const Layer& layer = layers_[at(l)];
  for (Index j = 0; j < layer.upper_slope.size(); ++j) {
    if (marginals_.telescoped[at(j)] == 0) continue;
    double value = marginals_.constant(j);
    for (const Index i : played_sources_) value += marginals_.gains(j, i);
    const bool better = value < layer.upper_slope(j) * played_[at(l)](j) + layer.upper_offset(j);
    // a multiple of 2^-20, so that 1 - share is exact and both weights add up to 1
    marginals_.share(j) = std::nearbyint(0x1p20 * ((1 - share) * marginals_.share(j) + (better ? share : 0))) * 0x1p-20;
  }
}

/// Lines of layer l become (1 - share) line + share (constant + gains); the gains follow in `add_marginals`.
void Relaxation::mix_marginals() {
  Layer& layer = layers_[at(marginals_.layer)];
  for (Index j = 0; j < layer.upper_slope.size(); ++j) {
    const double share = marginals_.share(j);
    if (share == 0) continue;
    const double line = (1 - share) * layer.upper_offset(j), constant = share * marginals_.constant(j);
    const double reach = std::max(std::abs(layer.deviation.lower(j)), std::abs(layer.deviation.upper(j)));
    layer.upper_slope(j) *= 1 - share;
    layer.upper_offset(j) = line + constant + 4 * epsilon * (std::abs(line) + std::abs(constant)) +
                            2 * epsilon * layer.upper_slope(j) * reach + tiny * (1 + reach);
    rate_neurons(marginals_.layer, j, entry(layer.deviation, j));
    for (Neurons& neurons : layer.neurons)  // the least value of the mixture, over all failures
      if (neurons.may_fail(j))
        neurons.rates.positive(j) = up(neurons.rates.positive(j) + up(share * marginals_.drop(j)));
  }
}

void Relaxation::add_marginals() {
  const Index width = marginals_.gains.cols();
  double* out = table_.row(0) + layers_[at(marginals_.layer - 1)].neurons.front().first;
  double scale = 0;
  for (Index j = 0; j < marginals_.share.size(); ++j) {
    const double weight = marginals_.weight(j);
    if (weight <= 0) continue;
    kernels().axpy(width, weight, marginals_.gains.data() + j * width, out, out);
    scale += weight * marginals_.largest(j);
  }
  double own = 0;
  for (Index i = 0; i < width; ++i) own = std::max(own, std::isfinite(out[i]) ? std::abs(out[i]) : 0.0);
  const double terms = static_cast<double>(marginals_.share.size() + 8);
  rows_[0].slack += terms * static_cast<double>(width) * (epsilon * (scale + own) + (scale > 0 ? tiny : 0));
}

}  // namespace withstand::bounds::linear
