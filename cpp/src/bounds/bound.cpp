// SPDX-License-Identifier: MIT
#include "withstand/bound.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "bounds/effects.hpp"
#include "bounds/methods.hpp"
#include "bounds/slack.hpp"
#include "withstand/parallel.hpp"
#include "withstand/rounding.hpp"

namespace withstand {
namespace {

constexpr std::array<std::pair<const char*, Method>, 8> names{{{"fep", Method::fep},
                                                               {"at-most", Method::at_most},
                                                               {"capped", Method::capped},
                                                               {"matrix", Method::matrix},
                                                               {"adjoint", Method::adjoint},
                                                               {"signed", Method::signed_},
                                                               {"linear", Method::linear},
                                                               {"tightest", Method::tightest}}};

/// One row of the domain, or no domain: everything a method may ask for.
struct Problem {
  const Network& net;
  const Space& space;
  const Nominal* nominal;        // null where there is no domain and the method needs none
  bool domain;
  std::vector<Interval> layers;  // hulls of the transmitted values of layers 0..L
};

std::vector<Interval> hulls(const Network& net, const Nominal* nominal) {
  std::vector<Interval> layers;
  for (Index l = 0; l <= net.depth(); ++l) {
    if (nominal) layers.push_back(nominal->layer(l));
    else if (l == 0) layers.push_back({-infinity, infinity});
    else layers.push_back({net.activation(l).infimum(), net.activation(l).supremum()});
  }
  return layers;
}

struct Found {
  std::vector<double> deviations;  // one per target
  bool relaxed = false;
};

Found scalar(const Problem& p, Formula formula, const std::vector<Target>& targets) {
  ScalarBound bound = scalar_bound(p.net, p.space, p.layers, formula, targets);
  return {std::move(bound.values), bound.relaxed};
}

bool is_scalar(Method method) {
  return method == Method::fep || method == Method::at_most || method == Method::capped;
}

/// Bounds with one common set of failures, and one value that all successors see.
bool is_common(Method method) { return method == Method::adjoint || method == Method::linear; }

/// A total count that the per-receiver selections take as what each layer can hold.
bool has_spread_total(const Space& space) {
  for (const Space::Term& term : space.terms()) {
    if (!term.failure.total || term.failure.effect == Effect::noise) continue;
    Index layers = 0;
    for (Index l = 0; l <= space.layers(); ++l) layers += term.most(l) > 0 ? 1 : 0;
    if (layers > 1) return true;
  }
  return false;
}

Found apply(const Problem& p, Method method, const std::vector<Target>& targets);

/// The least of all methods that apply, target by target.
Found tightest(const Problem& p, const std::vector<Target>& targets) {
  Found best = scalar(p, Formula::capped, targets);
  for (const Method method : {Method::at_most, Method::matrix, Method::signed_, Method::adjoint}) {
    if (is_common(method) && equivocal(p.space)) continue;
    const Found found = apply(p, method, targets);
    for (std::size_t t = 0; t < targets.size(); ++t)
      best.deviations[t] = std::min(best.deviations[t], found.deviations[t]);
    best.relaxed = best.relaxed || found.relaxed;
  }
  return best;
}

Found apply(const Problem& p, Method method, const std::vector<Target>& targets) {
  switch (method) {
    case Method::fep: return scalar(p, Formula::fep, targets);
    case Method::at_most: return scalar(p, Formula::at_most, targets);
    case Method::capped: return scalar(p, Formula::capped, targets);
    case Method::matrix: return {matrix_bound(p.net, p.space, *p.nominal, targets), has_spread_total(p.space)};
    case Method::signed_: return {signed_bound(p.net, p.space, *p.nominal, targets), has_spread_total(p.space)};
    case Method::adjoint: return {adjoint_bound(p.net, p.space, *p.nominal, targets), false};
    case Method::tightest: return tightest(p, targets);
    case Method::linear: break;
  }
  throw std::invalid_argument(std::string("method '") + name(method) + "' is not available");
}

/// After the output activation: min(K_out e, R_out), or its modulus of continuity where the method is not the paper's.
double outward(const Activation& phi, Method method, double deviation) {
  return method == Method::fep ? std::min(mul_up(phi.lipschitz(), deviation), phi.range())
                               : modulus_above(phi, deviation);
}

Found errors(const Problem& p, Method method) {
  std::vector<Target> targets;
  for (Index k = 0; k < p.net.outputs(); ++k) targets.push_back({k, -1});
  Found found = apply(p, method, targets);
  for (double& value : found.deviations) value = outward(p.net.activation(p.net.layers()), method, value);
  return found;
}

/// F_j - F_c in the intact network, from above; not above 0, for c is its class. With a nonlinear output activation the
/// difference of the outputs' ranges.
double gap(const Problem& p, Index j, Index c) {
  const Index last = p.net.layers();
  const Activation& phi = p.net.activation(last);
  if (!p.domain) return 0;
  const double apart = sub_up(p.nominal->post(last, j).upper, p.nominal->post(last, c).lower);
  if (phi.kind() != Activation::Kind::identity) return std::min(0.0, apart);
  const Matrix& weight = p.net.weight(last);
  const Vector& bias = p.net.bias(last);
  const Vector row = weight.row(j) - weight.row(c);
  const auto below = static_cast<std::size_t>(p.net.depth());
  const Interval range = affine_range(row.data(), row.size(), bias(j) - bias(c), p.nominal->lower[below], p.nominal->upper[below]);
  const Vector size = p.nominal->lower[below].cwiseAbs().cwiseMax(p.nominal->upper[below].cwiseAbs());
  const Vector exact = weight.row(j).cwiseAbs() + weight.row(c).cwiseAbs();  // the row itself was rounded
  const double rounded = 4 * unit_roundoff * (exact.dot(size) + std::abs(bias(j)) + std::abs(bias(c)));
  return std::min({0.0, apart, mul_up(phi.gain(), add_up(range.upper, rounded))});
}

/// Classes that the intact network can give to some input of the row: those that no other output surely exceeds.
std::vector<Index> classes(const Problem& p) {
  std::vector<Index> possible;
  for (Index c = 0; c < p.net.outputs(); ++c) {
    bool beaten = false;
    for (Index j = 0; j < p.net.outputs() && p.domain; ++j)
      beaten = beaten || p.nominal->post(p.net.layers(), j).lower > p.nominal->post(p.net.layers(), c).upper;
    if (!beaten) possible.push_back(c);
  }
  return possible;
}

/// Harm to the decision: F_j - F_c + (bound on the deviation of the difference), for every class c that is possible.
Found harms(const Problem& p, Method method) {
  const Index m = p.net.outputs();
  if (m < 2) throw std::invalid_argument("Argmax needs at least 2 outputs, the network has 1");
  const Activation& phi = p.net.activation(p.net.layers());
  const bool linear = phi.kind() == Activation::Kind::identity;
  std::vector<Target> targets;
  for (const Index c : classes(p))
    for (Index j = 0; j < m; ++j)
      if (j != c) targets.push_back({j, c});
  const Found found = apply(p, method, targets);
  const Found single = linear ? Found{} : errors(p, method);
  Found harm{std::vector<double>(static_cast<std::size_t>(m), -infinity), found.relaxed};
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const auto j = static_cast<std::size_t>(targets[t].plus);
    const auto c = static_cast<std::size_t>(targets[t].minus);
    const double moved = linear ? mul_up(phi.gain(), found.deviations[t])
                                : std::min(modulus_above(phi, found.deviations[t]),
                                           add_up(single.deviations[j], single.deviations[c]));
    harm.deviations[j] = std::max(harm.deviations[j], add_up(gap(p, targets[t].plus, targets[t].minus), moved));
  }
  return harm;
}

bool heeds_exactly(Method method) {
  return method != Method::at_most && method != Method::adjoint && method != Method::linear;
}

}  // namespace

const char* name(Method method) { return names[static_cast<std::size_t>(method)].first; }

Method method_named(const std::string& wanted) {
  std::string known;
  for (const auto& [text, method] : names) {
    if (wanted == text) return method;
    known += std::string(" ") + text;
  }
  throw std::invalid_argument("unknown method '" + wanted + "'; known are" + known);
}

Bounds bound(const Network& net, const Space& space, const std::optional<Domain>& domain, Method method, Goal goal,
             int threads) {
  if (domain) check(*domain, net);
  if (is_common(method) && equivocal(space))
    throw std::invalid_argument(std::string(name(method)) + ": " + space.describe() +
                                " lets a failed neuron tell each successor another value, which a bound with one common "
                                "value does not cover; use fep, at-most, capped, matrix or signed");
  const Index rows = domain ? domain->size() : 1;
  Bounds result{Matrix(rows, net.outputs()), method, !space.at_most() && heeds_exactly(method), false, 0};
  std::vector<double> slacks(static_cast<std::size_t>(rows));
  std::atomic<bool> relaxed{false};
  const auto one = [&](std::uint64_t task, int) {
    const auto row = static_cast<Index>(task);
    Nominal nominal;
    if (domain) nominal = propagate(net, domain->lower.row(row), domain->upper.row(row));
    else if (!is_scalar(method)) nominal = unrestricted(net);
    const bool known = domain || !is_scalar(method);
    const Problem problem{net, space, known ? &nominal : nullptr, domain.has_value(), hulls(net, known ? &nominal : nullptr)};
    if (!domain) require_bounded(net, space, problem.layers);
    const Found found = goal == Goal::error ? errors(problem, method) : harms(problem, method);
    result.values.row(row) = Eigen::Map<const Vector>(found.deviations.data(), net.outputs());
    slacks[task] = evaluation_slack(net, space, problem.layers, problem.domain);
    if (found.relaxed) relaxed = true;
  };
  parallel_for(static_cast<std::uint64_t>(rows), threads, one);
  result.relaxed = relaxed;
  result.slack = *std::max_element(slacks.begin(), slacks.end());
  return result;
}

}  // namespace withstand
