// SPDX-License-Identifier: MIT
// Forward error propagation with one number per layer (When Neurons Fail, IPDPS 2017), Theorems A, B, C and F of
// docs/theory.md. With e_l a bound on the sum of |deviation| over the neurons of layer l,
//
//   e_l = f_l Delta_l + (N_l - f_l) c_l + K_l g_l M_l,     c_l = K_l w_l e_{l-1},     |error_k| <= w_k e_L + g M
//
// A total count is distributed by dynamic programming over the layers: the step is nondecreasing in e_{l-1}, so the
// largest e_l for every number of failures spent so far is all that has to be kept; and the largest |deviation| v_l of one
// neuron, for a failed synapse into one of two compared outputs takes away what its source deviates by as well.
//
// Graphs and maps with few weights (docs/theory.md 14): a layer receives at most w e and at most rho v of each source, its
// neurons deviate together by at most K chi e; both are kept for every source that is still read.
#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "bounds/fans.hpp"
#include "failure/effects.hpp"
#include "bounds/methods.hpp"
#include "bounds/spending.hpp"
#include "bounds/struck.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds {
namespace {

class Recursion {
 public:
  Recursion(const Network& net, const Space& space, const std::vector<Interval>& layers, Formula formula)
      : net_(net), space_(space), layers_(layers), formula_(formula), dense_(net.is_dense()) {
    for (Index l = 1; l <= net.layers(); ++l) fans_.push_back(fans(net, l));
    for (const Space::Term& term : space.terms()) {
      for (Index l = 1; l <= net.layers(); ++l) grow(term, l, fans_[static_cast<std::size_t>(l - 1)]);
      if (is_counted(term.failure.effect)) add(term);
    }
    spending_.lay_out_states(net.layers());
    if (relaxed()) formula_ = formula_ == Formula::capped ? Formula::capped : Formula::at_most;
    for (Index l = 0; l <= net.depth(); ++l) {
      noise_.push_back(noise(space, l));
      order_.push_back(order_by_effect(static_cast<std::size_t>(l)));
    }
    if (formula == Formula::fep) require_cover();
  }

  bool relaxed() const { return spending_.relaxed(); }

  std::vector<double> run(const std::vector<Target>& targets) const {
    std::vector<double> values;
    const Deviations last = propagate();
    for (const Target& target : targets) values.push_back(finish(last, target).value());
    return values;
  }

 private:
  const std::vector<Faults>& faults() const { return spending_.faults(); }
  /// Of the neurons of one layer: e_l >= sum over j of |delta_j|, v_l >= max over j of |delta_j|.
  struct Deviation { Upper sum = 0, largest = 0; };
  /// Of every layer so far, for every number of failures spent; nothing where that cannot be reached.
  using Deviations = std::vector<std::vector<Deviation>>;

  void add(const Space::Term& term) {
    const Failure& failure = term.failure;
    const bool parameters = on_parameters(failure.effect), spread = term.reaches_through();
    Faults faults{&term, on_synapses(failure.effect) || parameters, !failure.total || spread, failure.counts.front(), 0, {}, {}};
    for (Index l = 0; l <= net_.layers(); ++l) {
      faults.most.push_back(term.grouped() ? struck_groups(term, l).first : term.most(l));
      if (parameters) faults.places.push_back(std::max<Index>(1, term.struck[static_cast<std::size_t>(l)].places));
      if (l <= net_.depth()) faults.effect.push_back(faults.most.back() > 0 ? effect(term, l) : 0);
    }
    spending_.add(std::move(faults));
  }

  /// Delta of a neuron or of a group, M of a synapse or of a parameter.
  double effect(const Space::Term& term, Index l) const {
    if (on_parameters(term.failure.effect)) return changed(term, l);
    if (on_synapses(term.failure.effect)) return received(term.failure, l, net_.map(l).facts().row_max.head(net_.own(l)).maxCoeff());
    const double one = magnitude(deviates(term.failure, {l, -1, -1}, layers_[static_cast<std::size_t>(l)]));
    return term.grouped() ? mul_up(static_cast<double>(struck_groups(term, l).second), one) : one;
  }

  /// M: what one failed parameter does to a receiver, for nominal signals.
  double changed(const Space::Term& term, Index l) const {
    const double sent = std::max(magnitude(sent_into(net_, layers_, l)), term.failure.biases ? 1.0 : 0.0);
    return mul_up(term.struck[static_cast<std::size_t>(l)].change, sent);
  }

  /// M: what one failed synapse into layer l does to its receiver.
  double received(const Failure& failure, Index l, double weight) const {
    return magnitude(deviates(failure, {l, -1, 0}, sent_into(net_, layers_, l), weight));
  }

  /// Terms by decreasing effect: where more failures are counted than there are neurons, the worst come first.
  std::vector<std::size_t> order_by_effect(std::size_t at) const {
    std::vector<std::size_t> order(faults().size());
    for (std::size_t t = 0; t < order.size(); ++t) order[t] = t;
    std::sort(order.begin(), order.end(),
              [&](std::size_t a, std::size_t b) { return faults()[a].effect[at] > faults()[b].effect[at]; });
    return order;
  }

  /// Whether the count is exact: such a neuron fails even where failing does less harm than relaying.
  bool forced(const Faults& f) const {
    return formula_ == Formula::fep || (formula_ == Formula::capped && f.term->failure.exactly && !(relaxed() && f.term->failure.total));
  }

  /// Theorem C: the paper's formula covers "at most" where a failure does at least what the range allows.
  void require_cover() const {
    for (const Faults& f : faults())
      for (Index l = 1; l <= net_.depth() && !f.synapses && !f.term->failure.exactly; ++l) {
        const auto at = static_cast<std::size_t>(l);
        if (f.most[at] == 0 || f.effect[at] >= add_up(net_.activation(l).range(), noise_[at])) continue;
        std::ostringstream message;
        message << "fep: " << f.term->failure.describe() << " is an at-most space and in layer " << l
                << " a failure deviates by at most " << f.effect[at] << ", less than the range "
                << net_.activation(l).range() << " of " << net_.activation(l).name()
                << ", so the formula may fall short; use method 'at-most', or exactly=True";
        throw std::invalid_argument(message.str());
      }
  }

  /// Deviation of a receiver of layer l whose pre-activation is off by eta.
  Upper relay(Index l, const Upper& eta) const {
    const Activation& phi = net_.activation(l);
    const Upper linear = Upper(phi.lipschitz()) * eta;
    if (formula_ != Formula::capped) return linear;
    const Upper capped = std::min(linear, Upper(phi.range()));
    return phi.piecewise_linear() ? capped : std::min(capped, Upper(phi.modulus(eta.value())));
  }

  /// How far the pre-activation of one neuron is off: eta_l.
  Upper received_from(const std::vector<Fan>& fans, const std::vector<Deviation>& before) const {
    Upper eta = 0;
    for (const Fan& fan : fans) {
      const Deviation& source = before[static_cast<std::size_t>(fan.source)];
      const Upper one = Upper(fan.largest) * source.sum;
      eta = eta + (dense_ ? one : std::min(one, Upper(fan.in) * source.largest));
    }
    return eta;
  }

  /// By how much all neurons of layer l deviate together, at most: K_l kappa_l.
  Upper together(Index l, const std::vector<Deviation>& before) const {
    Upper kappa = 0;
    for (const Fan& fan : fans_[static_cast<std::size_t>(l - 1)])
      kappa = kappa + Upper(fan.out) * before[static_cast<std::size_t>(fan.source)].sum;
    return Upper(net_.activation(l).lipschitz()) * kappa;
  }

  /// One layer of the recursion; `relayed` is the deviation c_l of a neuron that does not fail, its noise left out, and
  /// `all` what all of them deviate by together.
  Upper step(Index l, const Upper& relayed, const Upper& all, const Counts& counts) const {
    const auto at = static_cast<std::size_t>(l);
    const Upper alone = relayed + noise_[at];
    Upper failed = 0;
    Index alive = net_.own(l);
    for (const bool must : {true, false})
      for (const std::size_t t : order_[at]) {
        const Faults& f = faults()[t];
        if (f.synapses || forced(f) != must || (!must && !(alone < Upper(f.effect[at])))) continue;
        const Index taken = std::min(counts[t], alive);
        failed = failed + Upper(static_cast<double>(taken)) * f.effect[at];
        if (!f.term->grouped()) alive -= taken;  // of groups, whoever is not among the worst ones relays
      }
    const Upper correct(static_cast<double>(alive));
    // No cap on the sum: (N_l - f_l) R_l would drop the synapses of neurons that are counted as failed and need not be.
    const Upper each = failed + by_synapses(l, counts, correct * relayed) + correct * noise_[at];
    if (dense_ || l == 0) return each;
    Upper every = 0;
    for (std::size_t t = 0; t < faults().size(); ++t)
      if (!faults()[t].synapses) every = every + Upper(static_cast<double>(counts[t])) * faults()[t].effect[at];
    return std::min(each, every + by_synapses(l, counts, all) + Upper(static_cast<double>(net_.own(l))) * noise_[at]);
  }

  /// A sum of deviations, and what failed synapses add to it.
  Upper by_synapses(Index l, const Counts& counts, Upper relaying) const {
    for (std::size_t t = 0; t < faults().size() && l > 0; ++t)
      if (faults()[t].synapses)
        relaying = relaying + Upper(static_cast<double>(counts[t] * faults()[t].spread(l))) *
                                  relay(l, faults()[t].effect[static_cast<std::size_t>(l)]);
    return relaying;
  }

  /// The largest |deviation| of one neuron: all failed synapses of the layer may end in it.
  Upper largest(Index l, const Upper& relayed, const Counts& counts) const {
    const auto at = static_cast<std::size_t>(l);
    Upper relaying = relayed + noise_[at], failed = 0;
    for (std::size_t t = 0; t < faults().size(); ++t) {
      const Upper effect = faults()[t].effect[at];
      if (counts[t] == 0 || (faults()[t].synapses && l == 0)) continue;
      if (!faults()[t].synapses) failed = std::max(failed, effect);
      else relaying = relaying + Upper(static_cast<double>(counts[t])) * relay(l, effect);
    }
    return std::max(relaying, failed);
  }

  /// The deviations of all hidden layers.
  Deviations propagate() const {
    Deviations reached(spending_.states());
    reached[0] = {};
    std::vector<bool> can(spending_.states(), false);
    can[0] = true;
    for (Index l = 0; l <= net_.depth(); ++l) {
      Deviations after(spending_.states());
      for (std::size_t state = 0; state < spending_.states(); ++state) {
        if (!can[state]) continue;
        interruption_point();
        const std::vector<Deviation>& before = reached[state];
        const Upper relayed = l == 0 ? Upper(0) : relay(l, received_from(fans_[static_cast<std::size_t>(l - 1)], before));
        const Upper all = l == 0 || dense_ ? Upper(0) : together(l, before);
        Counts counts = spending_.first(l);
        std::size_t next = state;
        do {
          std::vector<Deviation>& kept = after[next];
          kept.resize(static_cast<std::size_t>(l) + 1);
          kept.back().sum = std::max(kept.back().sum, step(l, relayed, all, counts));
          if (!dense_ || l == net_.depth()) kept.back().largest = std::max(kept.back().largest, largest(l, relayed, counts));
          keep_larger(l, kept, before);
        } while (spending_.advance(l, state, counts, next));
      }
      reached = std::move(after);
      for (std::size_t state = 0; state < spending_.states(); ++state) can[state] = !reached[state].empty();
    }
    return reached;
  }

  /// Of the earlier layers that are still read.
  void keep_larger(Index l, std::vector<Deviation>& kept, const std::vector<Deviation>& before) const {
    for (std::size_t source = 0; !dense_ && source < before.size(); ++source) {
      if (net_.offset(l, static_cast<Index>(source)) < 0) continue;
      kept[source].sum = std::max(kept[source].sum, before[source].sum);
      kept[source].largest = std::max(kept[source].largest, before[source].largest);
    }
  }

  /// The output layer: failures not spent before are synapses into it, or there are none left.
  Upper finish(const Deviations& last, const Target& target) const {
    interruption_point();
    const bool apart = target.is_difference() && equivocal(space_);
    std::vector<Fan> outputs = fans_of_outputs(net_, target.plus, target.is_difference() ? target.minus : -1, apart);
    for (const Space::Term& term : space_.terms()) grow_outputs(term, net_.layers(), target.is_difference(), outputs);
    Upper worst = 0;
    for (std::size_t state = 0; state < spending_.states(); ++state) {
      if (last[state].empty()) continue;
      Upper sum = received_from(outputs, last[state]);
      Upper largest = 0;
      for (const Fan& fan : outputs) largest = std::max(largest, last[state][static_cast<std::size_t>(fan.source)].largest);
      bool complete = true;
      for (const Faults& f : faults()) {
        const Index here = f.counted_here ? f.most.back() : f.total - f.used(state);
        complete = complete && here <= f.most.back();
        if (f.synapses && here > 0 && on_parameters(f.term->failure.effect))
          sum = sum + Upper((target.is_difference() ? 2.0 : 1.0) * static_cast<double>(here)) * changed(*f.term, net_.layers());
        else if (f.synapses && here > 0)
          sum = sum + Upper(static_cast<double>(here)) * received_by(f.term->failure, target, largest);
      }
      if (complete) worst = std::max(worst, sum);
    }
    return worst;
  }

  /// A failed synapse into an output. Between two outputs, W_ki - W_ji still multiplies what its source deviates by,
  /// although the product is gone: W_ji (y_i + delta_i) is missing, not W_ji y_i alone.
  Upper received_by(const Failure& failure, const Target& target, const Upper& largest) const {
    const Vector& rows = net_.map(net_.layers()).facts().row_max;
    const auto from = [&](Index output) {
      const Upper known = received(failure, net_.layers(), rows(output));
      return target.is_difference() && !is_added(failure.effect) ? known + Upper(rows(output)) * largest : known;
    };
    return target.is_difference() ? std::max(from(target.plus), from(target.minus)) : from(target.plus);
  }

  const Network& net_;
  const Space& space_;
  const std::vector<Interval>& layers_;
  Formula formula_;
  bool dense_;                                    // a chain of matrices: the paper's recursion
  std::vector<std::vector<Fan>> fans_;            // per layer
  Spending spending_;
  std::vector<double> noise_;                     // per layer
  std::vector<std::vector<std::size_t>> order_;   // per layer
};

}  // namespace

bool equivocal(const Space& space) {
  const auto apart = [](const Space::Term& term) { return term.failure.equivocal; };
  return std::any_of(space.terms().begin(), space.terms().end(), apart);
}

ScalarBound scalar_bound(const Network& network, const Space& space, const std::vector<Interval>& layers,
                         Formula formula, const std::vector<Target>& targets) {
  const Recursion recursion(network, space, layers, formula);
  return {recursion.run(targets), recursion.relaxed()};
}

}  // namespace withstand::bounds
