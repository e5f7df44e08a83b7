// SPDX-License-Identifier: MIT
// The adjoint bound (docs/theory.md): one pass backward with |W| and the Lipschitz constants gives every neuron the
// largest factor by which its deviation reaches the target, A^(l-1) = (A^(l) K_l) |W^(l)|; then the failures with the
// largest factor * deviation are selected, one set for all receivers, and over all layers together for a total count.
#include <algorithm>
#include <cmath>
#include <utility>

#include "failure/effects.hpp"
#include "bounds/methods.hpp"
#include "bounds/reception.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"
#include "core/top_sum.hpp"

namespace withstand::bounds {
namespace {

/// What a failure of one model can do to the target: a list per budget, of one layer or of all layers together.
struct Gains {
  std::vector<std::vector<double>> layers;
  explicit Gains(std::size_t count) : layers(count) {}
};

class Backward {
 public:
  Backward(const Network& net, const Space& space, const Nominal& nominal)
      : net_(net), space_(space), nominal_(nominal), lowest_(net.layers()) {
    for (const Space::Term& term : space.terms())
      for (Index l = 0; l <= net.layers(); ++l) {
        const Index sender = on_synapses(term.failure.effect) && l > 0 ? l - 1 : l;
        if (term.most(l) > 0) lowest_ = std::min(lowest_, sender);
      }
  }

  double run(const Target& target) {
    gains_.assign(space_.terms().size(), Gains(static_cast<std::size_t>(net_.layers()) + 1));
    noisy_ = 0;
    const Index last = net_.layers();
    receivers_ = Vector::Zero(net_.outputs());
    receivers_(target.plus) = 1;
    if (target.is_difference()) receivers_(target.minus) = 1;
    collect_synapses(last);
    Vector factors = first_row(target);
    for (Index l = last - 1;; --l) {
      interruption_point();
      collect_neurons(l, factors);
      if (l <= lowest_) break;
      receivers_ = factors;
      for (Index j = 0; j < factors.size(); ++j) receivers_(j) = mul_up(factors(j), net_.activation(l, j).lipschitz());
      collect_synapses(l);
      factors = through(l);
    }
    return total();
  }

 private:
  static Eigen::Map<const Vector> row(const Affine& map, Index j, Terms& terms) {
    return {map.row(j, terms), map.cols()};
  }

  /// |W|^T (factors of the receivers of layer l), rounded up.
  Vector through(Index l) const {
    const Affine& map = net_.map(l);
    Vector factors = Vector::Zero(map.cols());
    Terms terms;
    if (map.matrix() != nullptr)
      for (Index j = 0; j < map.rows(); ++j) factors += receivers_(j) * row(map, j, terms).cwiseAbs();
    for (Index j = 0; map.matrix() == nullptr && j < map.rows(); ++j) {
      map.terms_of_row(j, terms);
      for (Index t = 0; t < terms.size; ++t) factors(terms.sender(t)) += receivers_(j) * std::abs(terms.weight[t]);
    }
    const double unit = map.facts().grid * grid(receivers_.data(), receivers_.size());
    for (double& factor : factors) factor = add_up(factor, sum_error(net_.width(l), 1.001 * factor, unit));
    return factors;
  }

  /// Whether a product into the outputs may vanish: then two outputs no longer see the same deviation of its source.
  bool parts_outputs() const {
    return std::any_of(space_.terms().begin(), space_.terms().end(), [&](const Space::Term& term) {
      return on_synapses(term.failure.effect) && !is_added(term.failure.effect) && term.most(net_.layers()) > 0;
    });
  }

  /// By how much a deviation of a neuron of the last hidden layer moves the target.
  Vector first_row(const Target& target) const {
    const Affine& map = net_.map(net_.layers());
    Terms first, second;
    const auto plus = row(map, target.plus, first);
    Vector factors = plus.cwiseAbs();
    if (!target.is_difference()) return factors;
    const auto minus = row(map, target.minus, second);
    const bool parts = parts_outputs();
    for (Index i = 0; i < factors.size(); ++i) {
      const double a = plus(i);
      const double b = minus(i);
      factors(i) = parts ? add_up(std::abs(a), std::abs(b)) : std::max(sub_up(a, b), sub_up(b, a));
    }
    return factors;
  }

  void collect_neurons(Index l, const Vector& factors) {
    for (std::size_t t = 0; t < space_.terms().size(); ++t) {
      const Space::Term& term = space_.terms()[t];
      if (on_synapses(term.failure.effect) || term.most(l) == 0) continue;
      for (const Site& site : term.sites[static_cast<std::size_t>(l)]) {
        if (!is_counted(term.failure.effect))
          noisy_ = add_up(noisy_, mul_up(factors(site.to), amount(term.failure, l)));
        else
          gains_[t].layers[static_cast<std::size_t>(l)].push_back(
              mul_up(factors(site.to), magnitude(deviates(term.failure, site, nominal_.post(l, site.to)))));
      }
    }
  }

  void collect_synapses(Index l) {
    for (std::size_t t = 0; t < space_.terms().size(); ++t) {
      const Space::Term& term = space_.terms()[t];
      if (!on_synapses(term.failure.effect) || term.most(l) == 0) continue;
      for (const Site& site : term.sites[static_cast<std::size_t>(l)]) {
        if (receivers_(site.to) == 0) continue;
        const Interval effect =
            deviates(term.failure, site, nominal_.post(l - 1, site.from), net_.map(l).weight(site.to, site.from));
        gains_[t].layers[static_cast<std::size_t>(l)].push_back(mul_up(receivers_(site.to), magnitude(effect)));
      }
    }
  }

  double total() {
    double sum = noisy_;
    for (std::size_t t = 0; t < gains_.size(); ++t) {
      const Space::Term& term = space_.terms()[t];
      if (!is_counted(term.failure.effect)) continue;
      std::vector<double> joint;
      for (Index l = 0; l <= net_.layers(); ++l) {
        std::vector<double>& here = gains_[t].layers[static_cast<std::size_t>(l)];
        if (term.failure.total) joint.insert(joint.end(), here.begin(), here.end());
        else sum = add_up(sum, selected(std::move(here), term.most(l)));
      }
      if (term.failure.total) sum = add_up(sum, selected(std::move(joint), term.failure.counts.front()));
    }
    return sum;
  }

  /// Sum of the `most` largest, rounded up.
  static double selected(std::vector<double> gains, Index most) {
    double sum = 0;
    for (const double gain : top_values(std::move(gains), most)) sum = add_up(sum, gain);
    return sum;
  }

  const Network& net_;
  const Space& space_;
  const Nominal& nominal_;
  Index lowest_;      // no failure has an effect before this layer
  Vector receivers_;  // factors of the pre-activations of a layer
  std::vector<Gains> gains_;
  double noisy_ = 0;
};

}  // namespace

std::vector<double> adjoint_bound(const Network& net, const Space& space, const Nominal& nominal,
                                  const std::vector<Target>& targets) {
  Backward backward(net, space, nominal);
  std::vector<double> found;
  for (const Target& target : targets) found.push_back(backward.run(target));
  return found;
}

}  // namespace withstand::bounds
