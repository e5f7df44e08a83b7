// SPDX-License-Identifier: MIT
#include "search/layered/reach.hpp"

#include <algorithm>
#include <cmath>

#include "evaluate/precise.hpp"
#include "evaluate/ranges.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"
#include "core/top_sum.hpp"

namespace withstand::search {
namespace {

constexpr double unit = std::numeric_limits<double>::epsilon();  // 2^-52, twice the unit roundoff
constexpr double representable = 0x1p50;  ///< times a grid: sums and differences of some such numbers are exact

/// What the neurons of a layer transmit: [low, high] where alive, `magnitude` failed or not, `noise` of rounding.
struct Signals {
  Vector low, high, magnitude, noise, error;
  double grid = 0;  ///< all signals of all evaluations are multiples of it; 0: of nothing
};

void decide(Signals& y, const Choices::Stage& stage) {
  for (const Forced& f : stage.failed) {
    y.low(f.site.to) = y.high(f.site.to) = f.value;
    y.magnitude(f.site.to) = std::abs(f.value);
    y.noise(f.site.to) = y.error(f.site.to) = 0;
    y.grid = std::min(y.grid, grid(&f.value, 1));
  }
  for (const Option& o : stage.options) {
    y.magnitude(o.site.to) = std::max(y.magnitude(o.site.to), std::abs(o.value));
    y.grid = std::min(y.grid, grid(&o.value, 1));
  }
}

/// The grid that phi's values lie on for arguments on a grid; 0 where it rounds.
double image_grid(const Activation& phi, double of, double largest) {
  if (!phi.piecewise_linear()) return 0;
  const Pieces& p = phi.pieces();
  const double gain = phi.gain();
  const double fine = std::min(of * grid(&gain, 1) * std::min(1.0, grid(p.slope, 3)), grid(p.intercept, 3));
  double added = 1;
  for (const double intercept : p.intercept) added = std::max(added, std::abs(intercept));
  return largest * gain * std::max(1.0, p.steepest()) + added <= representable * fine ? fine : 0;
}

/// |computed phi(s) - phi(s)| for |s| up to `largest`: a few units in the last place, and the rounding of gain * s.
double evaluation_error(const Activation& phi, double largest) {
  return largest == 0 && phi(0) == 0 ? 0 : 8 * unit * largest_image(phi, largest) + 0x1p-1000;
}

Signals transmitted(const Network& net, const Reach& reached, std::size_t l, double on) {
  const auto layer = static_cast<Index>(l);
  const Activation& phi = net.activation(layer);
  const Vector &lower = reached.lower[l], &upper = reached.upper[l];
  Signals y;
  y.low.resize(lower.size());
  y.high.resize(lower.size());
  for (Index j = 0; j < lower.size(); ++j) {
    const Interval sent = values_over(net.activation(layer, j), {lower(j), upper(j)});
    y.low(j) = sent.lower;
    y.high(j) = sent.upper;
  }
  y.magnitude = y.low.cwiseAbs().cwiseMax(y.high.cwiseAbs());
  const Vector largest = lower.cwiseAbs().cwiseMax(upper.cwiseAbs());
  const Index own_count = net.own(layer);
  y.grid = image_grid(phi, on, largest.head(own_count).maxCoeff());
  if (own_count < lower.size()) y.grid = std::min(y.grid, on);  // wires keep theirs
  y.noise = reached.noise[l];
  y.error = reached.error[l];
  y.noise.head(own_count) *= phi.lipschitz();
  y.error.head(own_count) *= phi.lipschitz();
  if (y.grid > 0) return y;
  Vector own = Vector::Zero(largest.size());
  for (Index j = 0; j < own_count; ++j) own(j) = evaluation_error(phi, largest(j));
  y.noise += 2 * own;
  y.error += (phi.piecewise_linear() ? twice_the_digits : 2) * own;
  for (Index j = 0; j < own_count; ++j) {  // where phi is constant it hides what its argument is off by
    const double noise = reached.noise[l](j);
    if (phi.piecewise_linear() && local_slopes(phi, {lower(j) - noise, upper(j) + noise}).upper == 0)
      y.noise(j) = y.error(j) = 0;
  }
  return y;
}

/// What one quota may fail of the neurons that a layer listens to.
struct Group {
  std::size_t quota;
  std::vector<Index> neurons;
  std::vector<double> values;
};

std::vector<Group> groups_of(const Choices::Stage& stage, std::size_t quotas) {
  std::vector<Group> groups(quotas);
  for (std::size_t q = 0; q < quotas; ++q) groups[q].quota = q;
  for (const Option& o : stage.options) {
    groups[o.quota].neurons.push_back(o.site.to);
    groups[o.quota].values.push_back(o.value);
  }
  groups.erase(std::remove_if(groups.begin(), groups.end(), [](const Group& g) { return g.neurons.empty(); }),
               groups.end());
  return groups;
}

/// Range of the pre-activations of one layer, receiver by receiver.
class Receivers {
 public:
  Receivers(const Network& net, const Choices& choices, Index layer, const Signals& y)
      : net_(net), y_(y), groups_(groups_of(choices.stages[neuron_stage(layer - 1)], choices.quotas.size())),
        synapses_(choices.stages[synapse_stage(layer)]), layer_(layer), quotas_(choices.quotas),
        grid_(std::min(net.map(layer).facts().grid * y.grid, net.bias_grid(layer))), gains_(quotas_.size()) {
    Index count = 0;
    for (const Choices::Quota& quota : quotas_) count += quota.count;
    few_ = net.map(layer).matrix() == nullptr;
    const Index terms = few_ ? net.map(layer).facts().terms : net.width(layer - 1);
    roundings_ = 2 * static_cast<double>(terms + 2 * count + 8) * unit;
    if (!few_) return;
    most_ = Eigen::ArrayXd::Zero(y.low.size());
    for (const Group& group : groups_) {
      places_.emplace_back(static_cast<std::size_t>(y.low.size()), -1);
      for (std::size_t n = group.neurons.size(); n-- > 0;)
        places_.back()[static_cast<std::size_t>(group.neurons[n])] = static_cast<int>(n);
    }
  }

  /// Largest s_j where `sign` is 1; largest -s_j where it is -1.
  double largest(Index j, double sign) {
    if (few_) return largest_of_few(j, sign);
    const auto w = Eigen::Map<const Vector>(net_.map(layer_).row(j, terms_), y_.low.size()).array();
    most_ = (sign * w * y_.low.array()).max(sign * w * y_.high.array());
    cut_.clear();
    for (const Forced& f : synapses_.failed)
      if (f.site.to == j) cut_.push_back(f.site.from);
    for (const Index i : cut_) most_(i) = 0;
    return sign * net_.bias(layer_)(j) + most_.sum() + by_neurons(j, sign) + by_synapses(j);
  }
  double rounding(Index j) {
    if (few_) return rounding_of_few(j);
    const double* const w = net_.map(layer_).row(j, terms_);
    const double products = Eigen::Map<const Vector>(w, y_.low.size()).cwiseAbs().dot(y_.magnitude);
    if (grid_ > 0 && products + std::abs(net_.bias(layer_)(j)) <= representable * grid_) return 0;
    return roundings_ * (products + std::abs(net_.bias(layer_)(j))) +
           underflow(w, y_.magnitude.data(), y_.magnitude.size(), products);
  }
  /// Of the sums; 0 where some of them are rounded.
  double grid_of_sums(const Vector& roundings) const { return (roundings.array() == 0).all() ? grid_ : 0; }

 private:
  /// The same of a map whose receivers have few terms.
  double largest_of_few(Index j, double sign) {
    net_.map(layer_).terms_of_row(j, terms_);
    cut_.clear();
    for (const Forced& f : synapses_.failed)
      if (f.site.to == j) cut_.push_back(f.site.from);
    double sum = sign * net_.bias(layer_)(j);
    for (Index t = 0; t < terms_.size; ++t) {
      const Index i = terms_.sender(t);
      const double w = sign * terms_.weight[t];
      const bool cut = std::find(cut_.begin(), cut_.end(), i) != cut_.end();
      sum += most_(i) = cut ? 0 : std::max(w * y_.low(i), w * y_.high(i));
    }
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      std::vector<double>& gains = gains_[groups_[g].quota];
      gains.clear();
      for (Index t = 0; t < terms_.size; ++t) {
        const Index i = terms_.sender(t), first = places_[g][static_cast<std::size_t>(i)];
        if (first < 0 || std::find(cut_.begin(), cut_.end(), i) != cut_.end()) continue;
        const Group& group = groups_[g];  // the ways of a neuron stand together
        for (auto n = static_cast<std::size_t>(first); n < group.neurons.size() && group.neurons[n] == i; ++n)
          gains.push_back(sign * terms_.weight[t] * group.values[n] - most_(i));
      }
      sum += top_sum(gains.data(), static_cast<Index>(gains.size()), quotas_[groups_[g].quota].count);
    }
    return sum + by_synapses(j);
  }
  double rounding_of_few(Index j) {
    net_.map(layer_).terms_of_row(j, terms_);
    double products = 0, lost = 0;
    for (Index t = 0; t < terms_.size; ++t) {
      const double product = std::abs(terms_.weight[t]) * y_.magnitude(terms_.sender(t));
      products += product;
      lost += underflow(terms_.weight[t], y_.magnitude(terms_.sender(t)));
    }
    const bool plain = terms_.size == 1 && terms_.weight[0] == 1 && net_.bias(layer_)(j) == 0;
    if (plain || (grid_ > 0 && products + std::abs(net_.bias(layer_)(j)) <= representable * grid_)) return 0;
    return roundings_ * (products + std::abs(net_.bias(layer_)(j))) + lost;
  }

  double by_neurons(Index j, double sign) {
    const double* w = net_.map(layer_).row(j, terms_);
    double sum = 0;
    for (const Group& group : groups_) {
      std::vector<double>& gains = gains_[group.quota];
      gains.resize(group.neurons.size());
      for (std::size_t n = 0; n < gains.size(); ++n) {
        const Index i = group.neurons[n];
        gains[n] = sign * w[i] * group.values[n] - most_(i);
      }
      for (std::size_t n = 0; n < gains.size() && !cut_.empty(); ++n)
        if (std::find(cut_.begin(), cut_.end(), group.neurons[n]) != cut_.end()) gains[n] = 0;
      sum += top_sum(gains.data(), static_cast<Index>(gains.size()), quotas_[group.quota].count);
    }
    return sum;
  }
  double by_synapses(Index j) {
    if (synapses_.options.empty()) return 0;
    for (std::vector<double>& gains : gains_) gains.clear();
    const auto first = std::lower_bound(synapses_.options.begin(), synapses_.options.end(), Site{layer_, j, 0},
                                        [](const Option& o, const Site& site) { return o.site < site; });
    for (auto o = first; o != synapses_.options.end() && o->site.to == j; ++o)
      gains_[o->quota].push_back(-most_(o->site.from));
    double sum = 0;
    for (std::size_t q = 0; q < quotas_.size(); ++q)
      sum += top_sum(gains_[q].data(), static_cast<Index>(gains_[q].size()), quotas_[q].count);
    return sum;
  }

  const Network& net_;
  const Signals& y_;
  std::vector<Group> groups_;
  const Choices::Stage& synapses_;
  Index layer_;
  const std::vector<Choices::Quota>& quotas_;
  double grid_, roundings_;
  bool few_ = false;                        ///< terms of a row, not whole rows
  std::vector<std::vector<int>> places_;    ///< then, per group: its first option of a sender, or -1
  Eigen::ArrayXd most_;  ///< of each product
  std::vector<std::vector<double>> gains_;
  std::vector<Index> cut_;
  Terms terms_;
};

}  // namespace

Reach reach(const Network& net, ConstVectorRef lower, ConstVectorRef upper, const Choices& choices) {
  const auto layers = static_cast<std::size_t>(net.layers()) + 1;
  Reach result;
  for (auto* rows : {&result.lower, &result.upper, &result.noise, &result.error, &result.sent_noise})
    rows->resize(layers);
  const Vector zero = Vector::Zero(net.inputs());
  Signals y{lower, upper, lower.cwiseAbs().cwiseMax(upper.cwiseAbs()), zero, zero, 0};
  y.grid = lower == upper ? grid(lower.data(), lower.size()) : 0;
  decide(y, choices.stages[0]);
  result.sent_noise[0] = y.noise;
  for (Index l = 1; l <= net.layers(); ++l) {
    const auto at = static_cast<std::size_t>(l);
    Receivers receivers(net, choices, l, y);
    result.lower[at].resize(net.width(l));
    result.upper[at].resize(net.width(l));
    result.noise[at] = net.map(l).absolute_product(y.noise);
    result.error[at] = net.map(l).absolute_product(y.error);
    Vector roundings(net.width(l));
    for (Index j = 0; j < net.width(l); ++j) {
      interruption_point();
      const double rounding = roundings(j) = receivers.rounding(j);
      result.upper[at](j) = receivers.largest(j, 1) + rounding;
      result.lower[at](j) = -receivers.largest(j, -1) - rounding;
      result.noise[at](j) += 2 * rounding;
      result.error[at](j) += 2 * twice_the_digits * rounding;
    }
    y = transmitted(net, result, at, receivers.grid_of_sums(roundings));
    if (l < net.layers()) decide(y, choices.stages[neuron_stage(l)]);
    result.sent_noise[at] = y.noise;
  }
  result.output_noise = y.noise.maxCoeff();
  result.output_error = y.error.maxCoeff();
  result.exact = y.grid > 0;
  return result;
}

}  // namespace withstand::search
