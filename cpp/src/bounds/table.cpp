// SPDX-License-Identifier: MIT
// The table of bound methods. Names, what a method takes and covers, the order in which the least of all and a search ask
// them: everything that speaks of methods asks here.
#include "bounds/influence.hpp"
#include "bounds/split.hpp"
#include "bounds/table.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "core/rounding.hpp"

#include "withstand/linear.hpp"

namespace withstand::bounds {
namespace {

Found scalar(const Problem& p, Formula formula, const std::vector<Target>& targets) {
  ScalarBound bound = scalar_bound(p.net, p.space, p.layers, formula, targets);
  return {std::move(bound.values), bound.relaxed};
}
Found fep(const Problem& p, const std::vector<Target>& targets) { return scalar(p, Formula::fep, targets); }
Found at_most(const Problem& p, const std::vector<Target>& targets) { return scalar(p, Formula::at_most, targets); }
Found capped(const Problem& p, const std::vector<Target>& targets) { return scalar(p, Formula::capped, targets); }

/// A total count over several layers: the selections per receiver take what each layer can hold.
bool has_spread_total(const Space& space) {
  for (const Space::Term& term : space.terms()) {
    if (!term.failure.total || !is_counted(term.failure.effect)) continue;
    Index layers = term.reaches_through() ? 1 : 0;
    for (Index l = 0; l <= space.layers(); ++l) layers += term.most(l) > 0 ? 1 : 0;
    if (layers > 1) return true;
  }
  return false;
}

Found matrix(const Problem& p, const std::vector<Target>& targets) {
  return {matrix_bound(p.net, p.space, *p.nominal, targets), has_spread_total(p.space)};
}
Found with_signs(const Problem& p, const std::vector<Target>& targets) {
  return {signed_bound(p.net, p.space, *p.nominal, targets), has_spread_total(p.space)};
}
/// Of components that are more than neurons and synapses: with what slopes can be, of what signals can be.
Found adjoint(const Problem& p, const std::vector<Target>& targets) {
  if (!p.space.plain()) {
    Found found{std::vector<double>(targets.size(), infinity), false};
    if (!Influence::applies(p.net, p.space)) return found;
    const Influence influence(p.net, p.space, *p.nominal);
    for (std::size_t t = 0; t < targets.size(); ++t) found.values[t] = influence.bound(targets[t]);
    return found;
  }
  return {adjoint_bound(p.net, p.space, *p.nominal, targets), false};
}

// Multiply-adds for one row of a domain. What a pass costs was measured, with and without a candidate for every weight.

/// What `each` operations per weight cost.
double passes(const Network& net, double each) {
  double entries = 0;
  for (Index l = 1; l <= net.layers(); ++l) entries += net.map(l).cost();
  return each * entries;
}

double synapses(const Space& space) {
  const auto& terms = space.terms();
  return std::any_of(terms.begin(), terms.end(), [](const auto& term) {
    return on_synapses(term.failure.effect) || on_parameters(term.failure.effect);
  }) ? 1 : 0;
}

double nothing(const Network&, const Space&) { return 0; }
double few_passes(const Network& net, const Space&) { return passes(net, 4); }
double cost_of_matrix(const Network& net, const Space& space) { return passes(net, 10 + 500 * synapses(space)); }
double cost_of_signed(const Network& net, const Space& space) { return passes(net, 12 + 500 * synapses(space)); }
double cost_of_adjoint(const Network& net, const Space& space) {
  return passes(net, 4 + static_cast<double>(net.outputs()) * (1 + 200 * synapses(space)));
}
double cost_of_linear(const Network& net, const Space& space) {
  double lines = 0;   // the time it takes to search for those of every smooth neuron: some 30 microseconds each
  double tables = 0;  // a synapse into every receiver, for every receiver
  for (Index l = 1; l <= net.layers(); ++l) {
    if (!net.activation(l).piecewise_linear()) lines += 1.2e5 * static_cast<double>(net.own(l));
    tables += 12 * synapses(space) * std::pow(static_cast<double>(net.width(l)), 2);
  }
  return passes(net, 20 * static_cast<double>(net.outputs()) + 500 * synapses(space)) +
         (2 * LinearBound::cost(net) + lines + tables);
}
double cost_of_trying(const Network& net, const Space& space) { return cost_of_split(net, space, cost_of_linear(net, space)); }

}  // namespace

const std::vector<Recipe>& recipes() {
  constexpr bool yes = true, no = false;
  // method, name, theory, reference; needs a domain; covers: equivocal, synapses, parts, intervals, exactly; turn, cost;
  // scalar, modulus
  static const std::vector<Recipe> all{
      {{Method::fep, "fep", "2.1", "Theorem A (Theorem F for synapses) of El Mhamdi and Guerraoui, When Neurons Fail, IPDPS 2017",
        no, yes, yes, no, yes, yes, 0, nothing},
       yes, no, fep, nullptr},
      {{Method::at_most, "at-most", "2.2", "Theorem B: the largest Fep of any fewer failures", no, yes, yes, yes, yes, no, 3, few_passes},
       yes, yes, at_most, nullptr},
      {{Method::capped, "capped", "2.3", "Theorem B with the ranges and moduli of continuity of the activations",
        no, yes, yes, yes, yes, yes, 1, few_passes},
       yes, yes, capped, nullptr},
      {{Method::matrix, "matrix", "8.1", "the recursion per neuron, with |W| and a selection of failures per receiver",
        no, yes, yes, yes, yes, yes, 2, cost_of_matrix},
       no, yes, matrix, nullptr},
      {{Method::signed_, "signed", "8.4",
        "intervals of the deviation, with local slopes and a selection of failures per receiver",
        no, yes, yes, yes, yes, yes, 1, cost_of_signed},
       no, yes, with_signs, nullptr},
      {{Method::adjoint, "adjoint", "8.3", "one backward pass with one common set of failures per layer",
        no, no, yes, yes, yes, no, 1, cost_of_adjoint},
       no, yes, adjoint, nullptr},
      {{Method::linear, "linear", "8.5", "linear relaxation with failure masks", yes, no, yes, no, yes, yes, 1, cost_of_linear},
       no, yes, nullptr, linear_rows},
      {{Method::split, "split", "8.6", "the first failures tried, set by set, the rest bounded by linear relaxation",
        yes, no, no, no, no, no, 4, cost_of_trying},
       no, yes, nullptr, split_rows, tries_failures},
      {{Method::tightest, "tightest", "8.7", "the least of all methods that apply", no, yes, yes, yes, yes, yes, 0, nothing},
       no, yes, nullptr, nullptr}};
  return all;
}

const Recipe& recipe(Method method) {
  for (const Recipe& recipe : recipes())
    if (recipe.method == method) return recipe;
  throw std::logic_error("a bound method that is in no table");
}

}  // namespace withstand::bounds
