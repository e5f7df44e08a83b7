// SPDX-License-Identifier: MIT
#include "withstand/bound.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <stdexcept>
#include <string>

#include "failure/effects.hpp"
#include "bounds/slack.hpp"
#include "bounds/split.hpp"
#include "bounds/table.hpp"
#include "evaluate/overflow.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds {
namespace {

/// Of the own neurons of layers 0..L: those that may fail are among them.
std::vector<Interval> hulls(const Network& net, const Nominal* nominal) {
  std::vector<Interval> layers;
  for (Index l = 0; l <= net.depth(); ++l) {
    if (nominal) layers.push_back(nominal->layer(l, net.own(l)));
    else if (l == 0) layers.push_back({-infinity, infinity});
    else layers.push_back({net.activation(l).infimum(), net.activation(l).supremum()});
  }
  return layers;
}

Found one_method(const Problem& p, const Recipe& method, Goal goal) {
  return goal == Goal::error ? errors(p, method) : harms(p, method);
}

bool is_point(const Problem& p) { return p.domain && p.nominal->lower[0] == p.nominal->upper[0]; }

/// Whether the least of all asks a method.
bool takes_part(const Problem& p, const Recipe& method) {
  if (method.turn == 0 || (!method.equivocal && equivocal(p.space)) || (method.needs_domain && !p.domain)) return false;
  if ((!method.parts && !p.space.plain()) || (!method.intervals && !(splits(p.space) && is_point(p)))) return false;
  return method.worthwhile == nullptr || method.worthwhile(p);
}

/// The least of all methods that apply, output by output.
Found tightest(const Problem& p, Goal goal) {
  Found best;
  for (const Recipe& method : recipes()) {
    if (!takes_part(p, method)) continue;
    const Found found = one_method(p, method, goal);
    if (best.values.empty()) best = found;
    for (std::size_t k = 0; k < best.values.size(); ++k)
      best.values[k] = std::min(best.values[k], found.values[k]);
    best.relaxed = best.relaxed || found.relaxed;
  }
  return best;
}

/// "a, b or c"
std::string listed(const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t n = 0; n < names.size(); ++n)
    list += (n == 0 ? "" : n + 1 == names.size() ? " or " : ", ") + names[n];
  return list;
}

/// The methods that cover equivocal failures, but for the one that chooses among them.
std::string equivocal_methods() {
  std::vector<std::string> names;
  for (const Recipe& method : recipes())
    if (method.equivocal && method.method != Method::tightest) names.emplace_back(method.name);
  return listed(names);
}

std::string methods_of_parts() {
  std::vector<std::string> names;
  for (const Recipe& method : recipes())
    if (method.parts && method.method != Method::tightest) names.emplace_back(method.name);
  return listed(names);
}

/// Whether some failure may be infinite, which is infinite harm by convention, also where an activation would bound it.
bool endless(const Space& space, const std::vector<Interval>& layers) {
  for (const Space::Term& term : space.terms())
    for (Index l = 0; l <= space.layers() && term.failure.words; ++l) {
      if (term.most(l) == 0) continue;
      if (on_parameters(term.failure.effect) ? term.struck[static_cast<std::size_t>(l)].infinite
                                             : !std::isfinite(magnitude(deviates(term.failure, {l, -1, -1},
                                                                                layers[static_cast<std::size_t>(l)]))))
        return true;
    }
  return false;
}

/// What a method that knows no intervals does not cover.
void require_few_values(const Space& space, const std::optional<Domain>& domain, const Recipe& method) {
  for (const Space::Term& term : space.terms())
    if (ways(term.failure) == 0)
      throw std::invalid_argument(std::string(method.name) + ": does not cover " + term.failure.describe() +
                                  ", whose failed neurons may send any value of an interval; it covers Crash and StuckAt");
  for (Index row = 0; row < domain->size(); ++row)
    if (!domain->is_point(row)) throw std::invalid_argument(std::string(method.name) + ": needs inputs, not a Box");
}

void require_applicable(const Space& space, const std::optional<Domain>& domain, const Recipe& method) {
  if (!method.equivocal && equivocal(space))
    throw std::invalid_argument(std::string(method.name) + ": " + space.describe() +
                                " lets a failed neuron tell each successor another value, which a bound with one common "
                                "value does not cover; use " + equivocal_methods());
  if (!method.parts && !space.plain())
    throw std::invalid_argument(std::string(method.name) + ": " + space.describe() + ": does not cover groups, bit flips or " +
                                "failed weights; use " + methods_of_parts());
  for (const Space::Term& term : space.terms())
    if (!method.synapses && on_synapses(term.failure.effect))
      throw std::invalid_argument(std::string(method.name) + ": does not cover synapse failures, " + space.describe());
  if (method.needs_domain && !domain)
    throw std::invalid_argument(std::string(method.name) + ": needs a domain, inputs" + (method.intervals ? " or a Box" : ""));
  if (!method.intervals) require_few_values(space, domain, method);
}

}  // namespace
}  // namespace withstand::bounds

namespace withstand {

using namespace bounds;  // NOLINT(google-build-using-namespace): this file is where the two meet

std::vector<MethodFacts> methods() { return {recipes().begin(), recipes().end()}; }

bool applies(const MethodFacts& method, const Space& space, const Domain& domain) {
  if (method.parts || method.intervals) return method.parts || space.plain();
  return splits(space) && domain.lower == domain.upper;
}

const char* name(Method method) { return recipe(method).name; }

Method method_named(const std::string& wanted) {
  std::string known;
  for (const Recipe& method : recipes()) {
    if (wanted == method.name) return method.method;
    known += std::string(" ") + method.name;
  }
  throw std::invalid_argument("unknown method '" + wanted + "'; known are" + known);
}

Bounds bound(const Network& net, const Space& space, const std::optional<Domain>& domain, Method method, Goal goal,
             int threads) {
  check(space, net);
  if (domain) check(*domain, net);
  const Recipe& how = recipe(method);
  require_applicable(space, domain, how);
  if (domain) require_no_overflow(net, space, *domain);
  const Index rows = domain ? domain->size() : 1;
  Bounds result{Matrix(rows, net.outputs()), method, !space.at_most() && how.exactly, false, 0};
  std::vector<double> slacks(static_cast<std::size_t>(rows));
  std::atomic<bool> relaxed{false};
  const auto one = [&](std::uint64_t task, int) {
    const auto row = static_cast<Index>(task);
    Nominal nominal;
    if (domain) nominal = propagate(net, domain->lower.row(row), domain->upper.row(row));
    else if (!how.scalar) nominal = unrestricted(net);
    const bool known = domain || !how.scalar;
    Problem problem{net, space, known ? &nominal : nullptr, domain.has_value(), hulls(net, known ? &nominal : nullptr)};
    if (method == Method::tightest)  // about as long as the relaxation takes, whose cost is counted at its least
      problem.work = std::min(problem.work, std::max(2e7, 20 * recipe(Method::linear).cost(net, space)));
    if (!domain) require_bounded(net, space, problem.layers);
    if (endless(space, problem.layers)) {
      result.values.row(row).setConstant(infinity);
      return;
    }
    const Found found = method == Method::tightest ? tightest(problem, goal) : one_method(problem, how, goal);
    result.values.row(row) = Eigen::Map<const Vector>(found.values.data(), net.outputs());
    slacks[task] = evaluation_slack(net, space, problem.layers, problem.domain);
    if (found.relaxed) relaxed = true;
  };
  parallel_for(static_cast<std::uint64_t>(rows), threads, one);
  result.relaxed = relaxed;
  result.slack = *std::max_element(slacks.begin(), slacks.end());
  return result;
}

std::vector<double> layer_effects(const Network& net, const Space& space, const std::optional<Domain>& domain) {
  if (domain) check(*domain, net);
  if (domain) require_no_overflow(net, space, *domain);
  std::vector<double> effects(static_cast<std::size_t>(net.depth()), 0.0);
  for (Index row = 0; row < (domain ? domain->size() : 1); ++row) {
    Nominal nominal;
    if (domain) nominal = propagate(net, domain->lower.row(row), domain->upper.row(row));
    const std::vector<Interval> layers = hulls(net, domain ? &nominal : nullptr);
    if (!domain) require_bounded(net, space, layers);
    for (const Space::Term& term : space.terms()) {
      if (on_synapses(term.failure.effect) || !is_counted(term.failure.effect))
        throw std::invalid_argument(term.failure.describe() + ": only failing neurons have an effect per layer");
      for (std::size_t l = 1; l < layers.size(); ++l)
        effects[l - 1] = std::max(effects[l - 1], magnitude(deviates(term.failure, {static_cast<Index>(l), -1, -1}, layers[l])));
    }
  }
  return effects;
}

}  // namespace withstand
