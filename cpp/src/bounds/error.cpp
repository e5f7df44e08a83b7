// SPDX-License-Identifier: MIT
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "bounds/problem.hpp"
#include "withstand/linear.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds {
namespace {

Found scalar(const Problem& p, Formula formula, const std::vector<Target>& targets) {
  ScalarBound bound = scalar_bound(p.net, p.space, p.layers, formula, targets);
  return {std::move(bound.values), bound.relaxed};
}

/// A total count over several layers: the selections per receiver take what each layer can hold.
bool has_spread_total(const Space& space) {
  for (const Space::Term& term : space.terms()) {
    if (!term.failure.total || term.failure.effect == Effect::noise) continue;
    Index layers = 0;
    for (Index l = 0; l <= space.layers(); ++l) layers += term.most(l) > 0 ? 1 : 0;
    if (layers > 1) return true;
  }
  return false;
}

/// After the output activation: min(K_out e, R_out), or its modulus of continuity where the method is not the paper's.
double outward(const Activation& phi, Method method, double deviation) {
  return method == Method::fep ? std::min(mul_up(phi.lipschitz(), deviation), phi.range())
                               : modulus_above(phi, deviation);
}

}  // namespace

Found deviations(const Problem& p, Method method, const std::vector<Target>& targets) {
  switch (method) {
    case Method::fep: return scalar(p, Formula::fep, targets);
    case Method::at_most: return scalar(p, Formula::at_most, targets);
    case Method::capped: return scalar(p, Formula::capped, targets);
    case Method::matrix: return {matrix_bound(p.net, p.space, *p.nominal, targets), has_spread_total(p.space)};
    case Method::signed_: return {signed_bound(p.net, p.space, *p.nominal, targets), has_spread_total(p.space)};
    case Method::adjoint: return {adjoint_bound(p.net, p.space, *p.nominal, targets), false};
    default: throw std::logic_error("not a method of pre-activations");
  }
}

Vector linear_rows(const Problem& p, const Matrix& rows, bool faulty) {
  LinearBound linear(p.net, p.space, p.nominal->lower[0], p.nominal->upper[0]);
  LinearResult found = linear(Restriction(p.space), rows, nullptr, {5, {}});  // the fifth round gains 0.4 %
  return faulty ? std::move(found.faulty) : std::move(found.deviation);
}

Found errors(const Problem& p, Method method) {
  const Index m = p.net.outputs();
  if (method == Method::linear) {
    Matrix rows(2 * m, m);
    rows << Matrix::Identity(m, m), -Matrix::Identity(m, m);
    const Vector both = linear_rows(p, rows, false);
    const Vector larger = both.head(m).cwiseMax(both.tail(m));
    return {{larger.data(), larger.data() + m}, false};
  }
  std::vector<Target> targets;
  for (Index k = 0; k < m; ++k) targets.push_back({k, -1});
  Found found = deviations(p, method, targets);
  for (double& value : found.values) value = outward(p.net.activation(p.net.layers()), method, value);
  return found;
}

}  // namespace withstand::bounds
