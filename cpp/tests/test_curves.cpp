// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>

#include "../bench/setting.hpp"
#include "check.hpp"
#include "enumerate/harm_curve.hpp"
#include "enumerate/walk.hpp"

// Curves of what one neuron sends, against the network evaluated at every place of them.
using namespace withstand;
using namespace withstand::enumerate;

namespace {

/// Weights, biases and inputs that are multiples of a half put sums on corners, and dead neurons among the others.
Setting chain(const std::vector<Index>& widths, const Activation& phi, bool halves) {
  const Setting s = setting(widths, "relu", 3);
  const auto round = [&](double w) { return halves ? std::nearbyint(2 * w) / 2 : w; };
  std::vector<Matrix> weights;
  std::vector<Vector> biases;
  std::vector<Activation> activations(widths.size() - 2, phi);
  activations.emplace_back("identity");
  for (Index l = 1; l <= s.network.layers(); ++l) {
    weights.push_back(s.network.map(l).matrix()->unaryExpr(round));
    biases.push_back(s.network.bias(l).unaryExpr(round));
  }
  return {Network(std::move(weights), std::move(biases), std::move(activations)), s.inputs.unaryExpr(round)};
}

/// Outputs where a neuron sends so much more; of the outputs themselves, where its sum is so much more.
Vector outputs(const Network& net, const Walk& walk, Index layer, Index neuron, double more) {
  Vector signals = walk.post(layer);
  signals(neuron) += more;
  for (Index l = layer + 1; l <= net.layers(); ++l) {
    Vector sums = net.bias(l);
    net.map(l).add_in_order(signals.data(), sums.data());
    signals = sums;
    net.activation(l).apply(signals.data(), signals.size());
  }
  return signals;
}

double harm(const Vector& outputs, const Vector& reference, Index decision) {
  if (decision < 0) return (outputs - reference).cwiseAbs().maxCoeff();
  double most = -std::numeric_limits<double>::infinity();
  for (Index o = 0; o < outputs.size(); ++o)
    if (o != decision) most = std::max(most, outputs(o) - outputs(decision));
  return most;
}

void compare(const Problem& problem, const Walk& walk, Index layer, Index neuron, double down_to, double up_to) {
  const Network& net = problem.network;
  CurveFollower follower(net);
  Curve down, up;
  follower.follow(walk, layer, neuron, -1, down_to, down);
  follower.follow(walk, layer, neuron, 1, up_to, up);
  for (const Curve* curve : {&down, &up}) CHECK(std::is_sorted(curve->at.begin(), curve->at.end()) && curve->at.front() == 0);
  const Vector& reference = walk.post(net.layers());
  std::vector<double> places = {0, -down_to, up_to};
  for (double share = 0.01; share < 1; share += 0.013) places.insert(places.end(), {share * up_to, -share * down_to});
  for (const Curve* curve : {&down, &up})  // knots, where lines meet
    for (double at : curve->at) places.push_back(curve == &up ? at : -at);
  const auto n = static_cast<Index>(places.size());
  places.resize(places.size() + 8);
  HarmCurve curve;
  for (const Index decision : {Index{-1}, Index{0}, net.outputs() - 1}) {
    std::vector<double> harms(places.size());
    curve.trace(down, up, reference, decision);
    const double worst = look_up_harm(n, places.data(), curve.numbers().size() / 4, curve.numbers().data(), harms.data());
    CHECK(worst == *std::max_element(harms.begin(), harms.begin() + n));
    CHECK(harms.front() == harm(reference, reference, decision));
    for (Index i = 0; i < n; ++i) {
      const double place = places[static_cast<std::size_t>(i)];
      const Vector expected = outputs(net, walk, layer, neuron, place);
      Vector found(net.outputs());
      (place < 0 ? down : up).look_up(std::abs(place), found.data(), 1);
      const double room = 1e-12 * (1 + expected.cwiseAbs().maxCoeff() + reference.cwiseAbs().maxCoeff());
      CHECK((found - expected).cwiseAbs().maxCoeff() <= room);
      CHECK(std::abs(harms[static_cast<std::size_t>(i)] - harm(expected, reference, decision)) <= room);
    }
  }
}

void every_neuron(const Activation& phi, bool halves) {
  for (const std::vector<Index>& widths : {std::vector<Index>{3, 4, 2}, {4, 9, 7, 5, 6}, {2, 5, 5, 5, 5, 3}}) {
    const Setting s = chain(widths, phi, halves);
    const Problem problem{s.network, Grid(s.network, Space(s.network, {crash({1}, true)}), 1024), s.inputs, Question(), {}, {}, {}, 0, false, {}};
    Walk walk(problem);
    for (Index input = 0; input < s.inputs.rows(); ++input) {
      walk.begin_input(input);
      for (Index layer = 1; layer <= s.network.layers(); ++layer)
        for (Index neuron = 0; neuron < s.network.width(layer); ++neuron) {
          compare(problem, walk, layer, neuron, 3, 5);
          compare(problem, walk, layer, neuron, 0, 40);
          compare(problem, walk, layer, neuron, 0.25, 0);
        }
    }
  }
}

}  // namespace

int main() {
  for (const char* name : {"relu", "leaky_relu", "hard_tanh", "relu6", "hard_sigmoid", "identity"})
    for (const double gain : {1.0, 0.7})
      for (const bool halves : {false, true}) every_neuron(Activation(name, gain), halves);
}
