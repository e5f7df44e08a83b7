// SPDX-License-Identifier: MIT
#include <algorithm>
#include <utility>

#include "bounds/table.hpp"
#include "evaluate/objectives.hpp"
#include "withstand/linear.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds {
namespace {

/// After the output activation: min(K_out e, R_out), or its modulus of continuity where the method is not the paper's.
double outward(const Activation& phi, const Recipe& method, double deviation) {
  return method.modulus ? modulus_above(phi, deviation) : std::min(mul_up(phi.lipschitz(), deviation), phi.range());
}

}  // namespace

Vector linear_rows(const Problem& p, const Matrix& rows, bool faulty) {
  LinearBound linear(p.net, p.space, p.nominal->lower[0], p.nominal->upper[0]);
  LinearResult found = linear(Restriction(p.space), rows, nullptr, {5, {}});  // the fifth round gains 0.4 %
  return faulty ? std::move(found.faulty) : std::move(found.deviation);
}

Found errors(const Problem& p, const Recipe& method) {
  const Index m = p.net.outputs();
  if (method.rows != nullptr) {
    const Vector both = method.rows(p, error_rows(m), false);
    const Vector larger = both.head(m).cwiseMax(both.tail(m));
    return {{larger.data(), larger.data() + m}, false};
  }
  std::vector<Target> targets;
  for (Index k = 0; k < m; ++k) targets.push_back({k, -1});
  Found found = method.deviations(p, targets);
  for (double& value : found.values) value = outward(p.net.activation(p.net.layers()), method, value);
  return found;
}

}  // namespace withstand::bounds
