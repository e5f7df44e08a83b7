// SPDX-License-Identifier: MIT
#include "withstand/bound.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <stdexcept>
#include <utility>

#include "failure/effects.hpp"
#include "bounds/problem.hpp"
#include "bounds/slack.hpp"
#include "evaluate/overflow.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds {
namespace {

constexpr std::array<std::pair<const char*, Method>, 8> names{{{"fep", Method::fep},
                                                               {"at-most", Method::at_most},
                                                               {"capped", Method::capped},
                                                               {"matrix", Method::matrix},
                                                               {"adjoint", Method::adjoint},
                                                               {"signed", Method::signed_},
                                                               {"linear", Method::linear},
                                                               {"tightest", Method::tightest}}};

std::vector<Interval> hulls(const Network& net, const Nominal* nominal) {
  std::vector<Interval> layers;
  for (Index l = 0; l <= net.depth(); ++l) {
    if (nominal) layers.push_back(nominal->layer(l));
    else if (l == 0) layers.push_back({-infinity, infinity});
    else layers.push_back({net.activation(l).infimum(), net.activation(l).supremum()});
  }
  return layers;
}

bool is_scalar(Method method) {
  return method == Method::fep || method == Method::at_most || method == Method::capped;
}

/// Bounds with one common set of failures, and one value that all successors see.
bool is_common(Method method) { return method == Method::adjoint || method == Method::linear; }

Found one_method(const Problem& p, Method method, Goal goal) {
  return goal == Goal::error ? errors(p, method) : harms(p, method);
}

/// The least of all methods that apply, output by output.
Found tightest(const Problem& p, Goal goal) {
  Found best = one_method(p, Method::capped, goal);
  for (const Method method : {Method::at_most, Method::matrix, Method::signed_, Method::adjoint, Method::linear}) {
    if (is_common(method) && equivocal(p.space)) continue;
    if (method == Method::linear && !p.domain) continue;
    const Found found = one_method(p, method, goal);
    for (std::size_t k = 0; k < best.values.size(); ++k)
      best.values[k] = std::min(best.values[k], found.values[k]);
    best.relaxed = best.relaxed || found.relaxed;
  }
  return best;
}

void require_applicable(const Space& space, bool domain, Method method) {
  if (is_common(method) && equivocal(space))
    throw std::invalid_argument(std::string(name(method)) + ": " + space.describe() +
                                " lets a failed neuron tell each successor another value, which a bound with one common "
                                "value does not cover; use fep, at-most, capped, matrix or signed");
  if (method == Method::linear && !domain)
    throw std::invalid_argument("linear: needs a domain, inputs or a Box");
}

bool heeds_exactly(Method method) {
  return method != Method::at_most && method != Method::adjoint;
}

}  // namespace
}  // namespace withstand::bounds

namespace withstand {

using namespace bounds;  // NOLINT(google-build-using-namespace): this file is where the two meet

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
  require_applicable(space, domain.has_value(), method);
  if (domain) require_no_overflow(net, space, *domain);
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
    const Found found = method == Method::tightest ? tightest(problem, goal) : one_method(problem, method, goal);
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
      if (on_synapses(term.failure.effect) || term.failure.effect == Effect::noise)
        throw std::invalid_argument(term.failure.describe() + ": only failing neurons have an effect per layer");
      for (std::size_t l = 1; l < layers.size(); ++l)
        effects[l - 1] = std::max(effects[l - 1], magnitude(deviation(term.failure, layers[l])));
    }
  }
  return effects;
}

}  // namespace withstand
