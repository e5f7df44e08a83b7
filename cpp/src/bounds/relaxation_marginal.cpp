// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "bounds/relaxation.hpp"
#include "withstand/kernels.hpp"
#include "withstand/rounding.hpp"
#include "withstand/selection.hpp"

// A second kind of upper bound for a convex piecewise-linear phi whose carrier only the failures of one layer move, each
// by c_i. Let them fail one after the other: when the next one fails, the carrier is at some t that at most r - 1 others
// have led to, and phi changes by phi(t + c_i) - phi(t), at most the largest of this over the reachable t,
//
//   phi(b + sum c_i m_i)  <=  phi(b) + sum g_i m_i,   g_i = max phi(t + c_i) - phi(t).
//
// For one failure it is exact, where a chord over the whole range is not; for many the chord wins. Convex combinations
// of both are bounds, and `refine` looks for the best.
namespace withstand::relaxed {
namespace {

/// The `count` largest of n values above 0, largest first, padded with 0.
std::vector<double> largest(const std::vector<double>& values, std::size_t count) {
  std::vector<double> best(count, 0.0);
  for (double value : values)
    for (std::size_t c = 0; c < count && value > 0; ++c)
      if (value > best[c]) std::swap(value, best[c]);
  return best;
}

/// Sum of the count - 1 largest without one of the values: `best` holds the count largest.
double others(const std::vector<double>& best, double value) {
  double sum = 0;
  for (std::size_t c = 0; c + 1 < best.size(); ++c) sum += best[c];
  const bool among = best.size() > 1 && value > 0 && value >= best[best.size() - 2];
  return among ? sum - value + best.back() : sum;
}

}  // namespace

/// Layer l moves only by what fails in layer l - 1, all of one term.
bool Relaxation::telescopes(Index l) const {
  const Layer& layer = layers_[at(l)];
  const Layer& before = layers_[at(l - 1)];
  const Activation& phi = given_->net.activation(l);
  const bool convex = phi.kind() == Activation::Kind::relu ||
                      (phi.kind() == Activation::Kind::leaky_relu && phi.slope() <= 1);
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
  marginals_.share.setZero(n);
  marginals_.constant.setZero(n);
  marginals_.drop.setZero(n);
  marginals_.largest.setZero(n);
  marginals_.gains.setZero(n, width);
  std::vector<Interval> change(at(width));
  for (Index i = 0; i < width; ++i) {
    if (!sources.open[at(i)]) continue;
    const Interval failed = failed_signal(term.failure, sent_by(term.failure), l - 1, i);
    const Interval intact = entry(layers_[at(l - 1)].signal, i);
    change[at(i)] = {down(failed.lower - intact.upper), up(failed.upper - intact.lower)};
  }
  for (Index j = 0; j < n; ++j)
    if (layer.upper_slope(j) != layer.lower_slope(j)) telescope_receiver(j, budget, change);
}

/// Where the carrier of receiver j is before anything more fails: nominal value and what is decided.
Interval Relaxation::base(Index l, Index j) const {
  const LayerRange& signal = layers_[at(l - 1)].signal;
  const double* w = given_->net.weight(l).data() + j * signal.lower.size();
  double high = 0, low = 0, size = 0;
  kernels().support(signal.lower.size(), w, signal.upper.data(), signal.lower.data(), &high, &size);
  kernels().support(signal.lower.size(), w, signal.lower.data(), signal.upper.data(), &low, &size);
  const double error = static_cast<double>(signal.lower.size() + 8) * epsilon * size;
  return {down(given_->pre[at(l)].lower(j) + low - error), up(given_->pre[at(l)].upper(j) + high + error)};
}

void Relaxation::telescope_receiver(Index j, std::size_t budget, const std::vector<Interval>& change) {
  const Index l = marginals_.layer;
  const Activation& phi = given_->net.activation(l);
  const Matrix& w = given_->net.weight(l);
  const Neurons& sources = layers_[at(l - 1)].neurons.front();
  const Interval start = base(l, j);
  std::vector<double> rise(change.size(), 0.0), fall(change.size(), 0.0);
  for (std::size_t i = 0; i < change.size(); ++i) {
    const double weight = w(j, static_cast<Index>(i));
    rise[i] = weight * (weight > 0 ? change[i].upper : change[i].lower);
    fall[i] = -weight * (weight > 0 ? change[i].lower : change[i].upper);
  }
  const std::vector<double> up_most = largest(rise, budget), down_most = largest(fall, budget);
  double reach = std::max(std::abs(start.lower), std::abs(start.upper));
  for (std::size_t c = 0; c < budget; ++c) reach += up_most[c] + down_most[c];
  double* gains = marginals_.gains.data() + j * marginals_.gains.cols();
  const auto roundings = static_cast<double>(4 * budget + 32);
  for (std::size_t i = 0; i < change.size(); ++i) {
    if (!sources.open[i]) continue;
    const double c = rise[i];
    const double t = c > 0 ? start.upper + others(up_most, c) : start.lower - others(down_most, fall[i]);
    const double error = roundings * epsilon * phi.lipschitz() * (reach + std::abs(c));
    gains[i] = phi(t + c) - phi(t) + error;
    marginals_.largest(j) = std::max(marginals_.largest(j), std::abs(gains[i]));
  }
  const Interval after = image(phi, start), before = image(phi, entry(given_->pre[at(l)], j));
  marginals_.constant(j) = up(up(after.upper - before.lower) + noise_of(l, j));
  std::vector<double> falls(gains, gains + change.size());
  for (double& gain : falls) gain = -gain;
  marginals_.drop(j) = up(up(top_sum(falls.data(), marginals_.gains.cols(), static_cast<Index>(budget))));
}

/// After a round: which of the two would have been lower at the failures that were played?
void Relaxation::prefer(double share) {
  const Index l = marginals_.layer;
  const Layer& layer = layers_[at(l)];
  for (Index j = 0; j < layer.upper_slope.size(); ++j) {
    if (layer.upper_slope(j) == layer.lower_slope(j)) continue;
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
                            2 * epsilon * layer.upper_slope(j) * reach;
    rate_neurons(marginals_.layer, j, entry(layer.deviation, j));
    for (Neurons& neurons : layer.neurons)  // the least value of the mixture, over all failures
      if (neurons.open[at(j)])
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
  rows_[0].slack += terms * static_cast<double>(width) * epsilon * (scale + own);
}

}  // namespace withstand::relaxed
