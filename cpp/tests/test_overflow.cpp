// SPDX-License-Identifier: MIT
#include <cmath>
#include <stdexcept>

#include "check.hpp"
#include "withstand/forward.hpp"
#include "evaluate/overflow.hpp"

using namespace withstand;

namespace {

Network network(const char* activation, const std::vector<double>& weights, double slope = std::nan("")) {
  std::vector<Matrix> matrices;
  std::vector<Vector> biases;
  std::vector<Activation> activations;
  for (double weight : weights) {
    matrices.push_back(Matrix::Constant(2, 2, weight));
    biases.push_back(Vector::Zero(2));
    activations.emplace_back(activation, 1.0, slope);
  }
  activations.back() = Activation("identity");
  return Network(matrices, biases, activations);
}

Failure failure(Effect effect, double amount) {
  Failure failure;
  failure.effect = effect;
  failure.amount = {amount};
  failure.counts = {2};
  return failure;
}

void ask(const Network& net, const std::vector<Failure>& failures, double input) {
  require_no_overflow(net, Space(net, failures), Domain::points(Matrix::Constant(1, 2, input)));
}

std::string refusal(const Network& net, const Failure& failure, double input = 1) {
  return message_of<std::overflow_error>([&] { ask(net, {failure}, input); });
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

int main() {
  const Failure none = failure(Effect::crash, 0);

  // What is large and yet finite is fine.
  ask(network("relu", {1, 1, 1}), {none}, 1);
  ask(network("relu", {1e100, 1e100, 1e90}), {none}, 1);
  ask(network("tanh", {1e200, 1e200, 1e200}), {none}, 1e90);  // every layer begins anew from signals of at most 1
  ask(network("relu", {1e-200, 1e200, 1}), {failure(Effect::byzantine, 1e90)}, 1e299);

  // The intact network.
  CHECK(contains(refusal(network("relu", {1e200, 1e200}), none), "layer 2: a sum of products may reach inf"));
  CHECK(contains(refusal(network("relu", {1e200, 1e101}), none), "weights up to 1e+101, signals up to 2e+200"));
  CHECK(contains(refusal(network("tanh", {1e200, 1e200}), none, 1e101), "layer 1"));
  CHECK(contains(refusal(network("leaky_relu", {1e150, 1}, 1e151), none), "layer 1: a transmitted value"));
  CHECK(contains(refusal(network("relu", {1, 1}), none, 1.1e300), "layer 0: a transmitted value may reach 1.1e+300"));

  // Terms that cancel may overflow on the way: what counts is their size.
  const Matrix mixed = (Matrix(1, 2) << 1.5e308, -1.5e308).finished();
  const Network cancels({mixed, Matrix::Ones(1, 1)}, {Vector::Zero(1), Vector::Zero(1)},
                        {Activation("relu"), Activation("identity")});
  CHECK(forward(cancels, Vector::Ones(2))(0) == 0);
  CHECK(contains(refusal(cancels, failure(Effect::synapse_crash, 0)), "layer 1"));

  // Only failures.
  const Network plain = network("tanh", {1, 1e50, 1});
  ask(plain, {failure(Effect::stuck, -1e240)}, 1);
  for (Effect effect : {Effect::stuck, Effect::byzantine, Effect::deviation, Effect::noise})
    CHECK(contains(refusal(plain, failure(effect, 1e260)), "layer 2: a sum of products may reach inf"));
  CHECK(contains(refusal(plain, failure(Effect::synapse_signal, 1e260)), "layer 2"));
  CHECK(contains(refusal(plain, failure(Effect::synapse_product, 0.9e300)), "layer 1"));  // two of them
  CHECK(contains(refusal(plain, failure(Effect::synapse_replace, 0.9e300)), "layer 1"));

  // Boxes, by both ends.
  const Network wide = network("relu", {1e200, 1});
  const Vector low = Vector::Constant(2, -1e101), high = Vector::Zero(2);
  message_of<std::overflow_error>([&] { require_no_overflow(wide, Space(wide, {none}), Domain::box(low, high)); });
}
