// SPDX-License-Identifier: MIT
#include "bounds/slack.hpp"

#include <algorithm>
#include <cmath>

#include "failure/effects.hpp"
#include "core/rounding.hpp"

namespace withstand::bounds {
namespace {

/// Largest deviation of a failed neuron of a layer, and of a receiver's pre-activation by failed synapses.
/// `sent` is the largest value transmitted into the layer, by failures too.
void strikes(const Network& net, const Space& space, const std::vector<Interval>& layers, Index l, double sent,
             double& neuron, double& synapses) {
  for (const Space::Term& term : space.terms()) {
    const bool grouped = std::any_of(term.members.begin(), term.members.end(), [l](const auto& group) {
      return group.first.layer <= l && l <= group.second.back().layer;
    });
    const auto most = static_cast<double>(term.most(l));
    if (most == 0 && !grouped) continue;
    if (!is_counted(term.failure.effect)) neuron = std::max(neuron, amount(term.failure, l));
    else if (on_parameters(term.failure.effect))
      synapses += most * term.struck[static_cast<std::size_t>(l)].change * std::max(sent, 1.0);
    else if (on_synapses(term.failure.effect))
      synapses += most * magnitude(deviates(term.failure, {l, -1, 0}, sent_into(net, layers, l), net.map(l).facts().max));
    else neuron = std::max(neuron, magnitude(deviates(term.failure, {l, -1, -1}, layers[static_cast<std::size_t>(l)])));
  }
}

/// By how much failed parameters raise the sum of |weights| of a receiver.
double raised(const Space& space, Index l) {
  double sum = 0;
  for (const Space::Term& term : space.terms())
    if (on_parameters(term.failure.effect))
      sum += static_cast<double>(term.most(l)) * term.struck[static_cast<std::size_t>(l)].value();
  return sum;
}

}  // namespace

double evaluation_slack(const Network& net, const Space& space, const std::vector<Interval>& layers, bool from_domain) {
  double error = 0;   // of one execution, per neuron
  double off = 0;     // deviation of a neuron by failures, so that the failed execution's values are bounded too
  double values = 0;  // largest transmitted value of either execution
  for (Index l = 0; l <= net.layers(); ++l) {
    double neuron = 0;
    double synapses = 0;
    if (l <= net.depth() || l == net.layers()) strikes(net, space, layers, l, values, neuron, synapses);
    if (l == 0) {
      off = neuron;
      values = magnitude(layers[0]) + off;
      continue;
    }
    const Activation& phi = net.activation(l);
    const double row = net.map(l).facts().row_sum.maxCoeff() + raised(space, l);
    const bool reached = off > 0 || synapses > 0;  // before that both executions are the same, operation by operation
    const double pre = mul_up(row, values) + net.bias(l).cwiseAbs().maxCoeff() + synapses;
    const double rounding = 2 * static_cast<double>(net.map(l).facts().terms + 8) * unit_roundoff * pre;
    const bool wires = net.width(l) > net.own(l);  // what they carry is neither steepened nor cut off
    const double steepest = wires ? std::max(phi.lipschitz(), 1.0) : phi.lipschitz();
    const double last = 16 * unit_roundoff * largest_image(phi, pre);
    if (reached || from_domain) error = steepest * (mul_up(row, error) + rounding) + last;
    off = std::max(neuron, reached ? std::min(steepest * (mul_up(row, off) + synapses), wires ? infinity : phi.range()) : 0.0) +
          (neuron > 0 && l <= net.depth() ? noise(space, l) : 0.0);
    if (l <= net.depth()) values = magnitude(sent_into(net, layers, l + 1)) + off;
  }
  return std::isnan(error) ? infinity : 2 * error * (1 + 1e-9);
}

}  // namespace withstand::bounds
