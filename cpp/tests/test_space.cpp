// SPDX-License-Identifier: MIT
#include <stdexcept>

#include "check.hpp"
#include "withstand/space.hpp"

using namespace withstand;

namespace {

Network network(const std::vector<Index>& widths) {
  std::vector<Matrix> weights;
  std::vector<Vector> biases;
  for (std::size_t l = 1; l < widths.size(); ++l) {
    weights.push_back(Matrix::Ones(widths[l], widths[l - 1]));
    biases.push_back(Vector::Zero(widths[l]));
  }
  std::vector<Activation> activations(weights.size(), Activation("relu"));
  return Network(weights, biases, activations);
}

Failure crash(std::vector<Index> counts, bool total, bool exactly = false) {
  Failure failure;
  failure.counts = std::move(counts);
  failure.total = total;
  failure.exactly = exactly;
  return failure;
}

}  // namespace

int main() {
  const Network net = network({3, 64, 8, 2});
  CHECK(Space(net, {crash({2}, true)}).configurations().to_uint64() == 1 + 72 + 72 * 71 / 2);
  CHECK(Space(net, {crash({2, 1}, false)}).configurations().to_uint64() == (1 + 64 + 2016) * 9);
  CHECK(Space(net, {crash({2, 1}, false, true)}).configurations().to_uint64() == 2016 * 8);
  // two models on disjoint neurons: exactly one crash and exactly one stuck neuron
  Failure stuck = crash({1}, true, true);
  stuck.effect = Effect::stuck;
  stuck.amount = {1.0};
  CHECK(Space(net, {crash({1}, true, true), stuck}).configurations().to_uint64() == 72 * 71);
  CHECK(message_of<std::invalid_argument>([&] { Space(net, {crash({3, 9}, false)}); }) ==
        "Crash((3, 9)): layer 2 has 8 neurons, at most 8 can fail");
  CHECK(message_of<std::invalid_argument>([&] { Space(net, {crash({73}, true)}); }) ==
        "Crash(73): 72 neurons can fail, not 73");
  Failure among = crash({1}, true);
  among.among = std::vector<Site>{{2, 8, -1}};
  CHECK(message_of<std::invalid_argument>([&] { Space(net, {among}); }).find("layer 2 has 8 neurons") !=
        std::string::npos);
}
