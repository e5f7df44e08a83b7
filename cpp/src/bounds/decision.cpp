// SPDX-License-Identifier: MIT
// Bounds on the harm to a decision (docs/theory.md, the margin form): with c the class of the intact network,
//
//   F^_j - F^_c  =  (F_j - F_c) + deviation of the difference,
//
// and the difference of two outputs is one more output, whose weights are W_j - W_c.
#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "bounds/table.hpp"
#include "evaluate/objectives.hpp"
#include "withstand/parallel.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds {
namespace {

/// F_j - F_c in the intact network, from above; not above 0, for c is its class. With a nonlinear output activation the
/// difference of the outputs' ranges.
double gap(const Problem& p, Index j, Index c) {
  if (!p.domain) return 0;
  const Index last = p.net.layers();
  const Activation& phi = p.net.activation(last);
  const double apart = sub_up(p.nominal->post(last, j).upper, p.nominal->post(last, c).lower);
  if (!phi.identity()) return std::min(0.0, apart);
  const Affine& map = p.net.map(last);
  Terms first, second;
  const Eigen::Map<const Vector> plus(map.row(j, first), map.cols()), minus(map.row(c, second), map.cols());
  const Vector& bias = p.net.bias(last);
  const Vector row = plus - minus;
  const Vector& lower = p.nominal->lower[static_cast<std::size_t>(p.net.depth())];
  const Vector& upper = p.nominal->upper[static_cast<std::size_t>(p.net.depth())];
  const Interval range = affine_range(row.data(), row.size(), bias(j) - bias(c), lower, upper);
  const Vector size = lower.cwiseAbs().cwiseMax(upper.cwiseAbs());
  const Vector both = plus.cwiseAbs() + minus.cwiseAbs();
  const double rounded = 4 * unit_roundoff * (both.dot(size) + std::abs(bias(j)) + std::abs(bias(c)));  // of row, bias
  return std::min({0.0, apart, mul_up(phi.gain(), add_up(range.upper, rounded))});
}

/// Pairs (j, c) of a new class and an old one: c is any output that no other one surely exceeds.
std::vector<Target> pairs(const Problem& p) {
  const Index m = p.net.outputs();
  if (m < 2) throw std::invalid_argument("Argmax needs at least 2 outputs, the network has 1");
  std::vector<Target> found;
  for (Index c = 0; c < m; ++c) {
    bool beaten = false;
    for (Index j = 0; j < m && p.domain; ++j)
      beaten = beaten || p.nominal->post(p.net.layers(), j).lower > p.nominal->post(p.net.layers(), c).upper;
    for (Index j = 0; j < m && !beaten; ++j)
      if (j != c) found.push_back({j, c});
  }
  return found;
}

std::vector<double> harms_by_rows(const Problem& p, const Recipe& method, const std::vector<Target>& targets) {
  // All at once, unless many outputs may be the intact class: then the rows alone would fill the memory.
  const std::size_t step = std::max<std::size_t>(64, (std::size_t{1} << 24) / static_cast<std::size_t>(p.net.outputs()));
  std::vector<double> found;
  for (std::size_t first = 0; first < targets.size(); first += step) {
    const std::size_t some = std::min(step, targets.size() - first);
    const std::vector<Target> part(targets.begin() + static_cast<std::ptrdiff_t>(first),
                                   targets.begin() + static_cast<std::ptrdiff_t>(first + some));
    const Vector faulty = method.rows(p, lead_rows(part, p.net.outputs()), true);
    found.insert(found.end(), faulty.data(), faulty.data() + faulty.size());
  }
  return found;
}

/// Intact gap plus deviation of the difference, after the output activation.
std::vector<double> margin_harms(const Problem& p, const Recipe& method, const std::vector<Target>& targets,
                                 const std::vector<double>& moved) {
  const Activation& phi = p.net.activation(p.net.layers());
  const bool linear = phi.identity();
  const std::vector<double> single = linear ? std::vector<double>{} : errors(p, method).values;
  std::vector<double> found;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    const auto j = static_cast<std::size_t>(targets[t].plus);
    const auto c = static_cast<std::size_t>(targets[t].minus);
    if (t % 1024 == 0) interruption_point();
    // both outputs pass the same activation, so their difference grows by no more than the two deviations do
    const double deviation = linear ? mul_up(phi.gain(), moved[t]) : add_up(single[j], single[c]);
    found.push_back(add_up(gap(p, targets[t].plus, targets[t].minus), deviation));
  }
  return found;
}

}  // namespace

Found harms(const Problem& p, const Recipe& method) {
  const std::vector<Target> targets = pairs(p);
  Found harm{std::vector<double>(static_cast<std::size_t>(p.net.outputs()), -infinity), false};
  std::vector<double> found;
  if (method.rows != nullptr) {
    found = harms_by_rows(p, method, targets);
  } else {
    const Found moved = method.deviations(p, targets);
    harm.relaxed = moved.relaxed;
    found = margin_harms(p, method, targets, moved.values);
  }
  for (std::size_t t = 0; t < targets.size(); ++t) {
    double& here = harm.values[static_cast<std::size_t>(targets[t].plus)];
    here = std::max(here, found[t]);
  }
  return harm;
}

}  // namespace withstand::bounds
