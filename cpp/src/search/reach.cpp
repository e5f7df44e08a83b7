// SPDX-License-Identifier: MIT
#include "withstand/reach.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

namespace withstand {
namespace {

constexpr double unit = std::numeric_limits<double>::epsilon();  // 2^-52, twice the unit roundoff

/// What the neurons of a layer transmit: [low, high] where alive, `magnitude` failed or not, `noise` of rounding.
struct Signals {
  Vector low, high, magnitude, noise;
};

void decide(Signals& y, const Choices::Stage& stage) {
  for (const Forced& f : stage.failed) {
    y.low(f.site.to) = y.high(f.site.to) = f.value;
    y.magnitude(f.site.to) = std::abs(f.value);
    y.noise(f.site.to) = 0;
  }
  for (const Option& o : stage.options) y.magnitude(o.site.to) = std::max(y.magnitude(o.site.to), std::abs(o.value));
}

Signals transmitted(const Activation& phi, const Vector& lower, const Vector& upper, const Vector& noise) {
  Signals y;
  const double error = phi.piecewise_linear() ? unit : 8 * unit;  // of evaluating phi, relative
  y.low = lower.unaryExpr([&](double s) { const double v = phi(s); return v - error * std::abs(v); });
  y.high = upper.unaryExpr([&](double s) { const double v = phi(s); return v + error * std::abs(v); });
  y.magnitude = y.low.cwiseAbs().cwiseMax(y.high.cwiseAbs());
  y.noise = phi.lipschitz() * noise + 2 * error * y.magnitude;
  return y;
}

/// Range of the pre-activations of one layer, receiver by receiver.
class Receivers {
 public:
  Receivers(const Network& net, const Choices& choices, Index layer, const Signals& y)
      : net_(net), y_(y), neurons_(choices.stages[neuron_stage(layer - 1)]),
        synapses_(choices.stages[synapse_stage(layer)]), layer_(layer), quotas_(choices.quotas) {
    Index count = 0;
    for (const Choices::Quota& quota : quotas_) count += quota.count;
    roundings_ = 2 * static_cast<double>(net.width(layer - 1) + 2 * count + 8) * unit;
  }

  /// Largest s_j where `sign` is 1; largest -s_j where it is -1.
  double largest(Index j, double sign) {
    gains_.assign(quotas_.size(), {});
    double sum = sign * net_.bias(layer_)(j);
    cut_.clear();
    for (const Forced& f : synapses_.failed)
      if (f.site.to == j) cut_.push_back(f.site.from);
    for (Index i = 0; i < y_.low.size(); ++i) sum += cut(i) ? 0.0 : most(j, i, sign);
    for (const Option& o : neurons_.options)
      if (!cut(o.site.to)) gain(o, sign * net_.weight(layer_)(j, o.site.to) * o.value - most(j, o.site.to, sign));
    for (const Option& o : synapses_.options)
      if (o.site.to == j) gain(o, -most(j, o.site.from, sign));
    for (std::size_t q = 0; q < quotas_.size(); ++q) sum += sum_of_largest(gains_[q], quotas_[q].count);
    return sum;
  }
  double rounding(Index j) const {
    return roundings_ * (net_.weight(layer_).row(j).cwiseAbs().dot(y_.magnitude) + std::abs(net_.bias(layer_)(j)));
  }

 private:
  double most(Index j, Index i, double sign) const {
    const double w = sign * net_.weight(layer_)(j, i);
    return std::max(w * y_.low(i), w * y_.high(i));
  }
  bool cut(Index i) const { return !cut_.empty() && std::find(cut_.begin(), cut_.end(), i) != cut_.end(); }
  void gain(const Option& option, double value) {
    if (value > 0) gains_[option.quota].push_back(value);
  }

  const Network& net_;
  const Signals& y_;
  const Choices::Stage& neurons_;
  const Choices::Stage& synapses_;
  Index layer_;
  const std::vector<Choices::Quota>& quotas_;
  double roundings_;
  std::vector<std::vector<double>> gains_;
  std::vector<Index> cut_;
};

}  // namespace

double sum_of_largest(std::vector<double>& gains, Index count) {
  const auto kept = static_cast<std::size_t>(std::max<Index>(count, 0));
  if (gains.size() > kept) {
    std::nth_element(gains.begin(), gains.begin() + static_cast<std::ptrdiff_t>(kept), gains.end(), std::greater<>());
    gains.resize(kept);
  }
  return std::accumulate(gains.begin(), gains.end(), 0.0, [](double sum, double g) { return sum + std::max(g, 0.0); });
}

Reach reach(const Network& net, ConstVectorRef lower, ConstVectorRef upper, const Choices& choices) {
  const auto layers = static_cast<std::size_t>(net.layers()) + 1;
  Reach result{std::vector<Vector>(layers), std::vector<Vector>(layers), std::vector<Vector>(layers)};
  Signals y{lower, upper, lower.cwiseAbs().cwiseMax(upper.cwiseAbs()), Vector::Zero(net.inputs())};
  decide(y, choices.stages[0]);
  for (Index l = 1; l <= net.layers(); ++l) {
    const auto at = static_cast<std::size_t>(l);
    Receivers receivers(net, choices, l, y);
    result.lower[at].resize(net.width(l));
    result.upper[at].resize(net.width(l));
    result.noise[at] = net.weight(l).cwiseAbs() * y.noise;
    for (Index j = 0; j < net.width(l); ++j) {
      const double rounding = receivers.rounding(j);
      result.upper[at](j) = receivers.largest(j, 1) + rounding;
      result.lower[at](j) = -receivers.largest(j, -1) - rounding;
      result.noise[at](j) += 2 * rounding;
    }
    y = transmitted(net.activation(l), result.lower[at], result.upper[at], result.noise[at]);
    if (l < net.layers()) decide(y, choices.stages[neuron_stage(l)]);
  }
  return result;
}

}  // namespace withstand
