// SPDX-License-Identifier: MIT
#include <cmath>
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

/// Wrong arguments throw, whatever they leave out.
static void flips_are_of_words(const Network& net) {
  Failure flip;  // of no words
  flip.counts = {1};
  for (const Effect effect : {Effect::bit_flip, Effect::weight_flip}) {
    flip.effect = effect;
    flip.words = nullptr;
    CHECK(message_of<std::invalid_argument>([&] { Space(net, {flip}); }).find("Failure::words") != std::string::npos);
    Words words;
    flip.words = std::make_shared<Words>(words);
    CHECK(message_of<std::invalid_argument>([&] { Space(net, {flip}); }).find("masks is empty") != std::string::npos);
    words.format = Format::named("int8");
    words.masks = {1, std::uint64_t{1} << 40};
    flip.words = std::make_shared<Words>(words);
    CHECK(message_of<std::invalid_argument>([&] { Space(net, {flip}); }).find("names bits beyond the") != std::string::npos);
    words.masks = {1};
    words.scalings.assign(4, std::vector<Scaling>(3));
    flip.words = std::make_shared<Words>(words);
    CHECK(message_of<std::invalid_argument>([&] { Space(net, {flip}); }).find("3 scalings for the 64 neurons") != std::string::npos);
  }
}

int main() {
  const Network net = network({3, 64, 8, 2});
  CHECK(Space(net, {crash({2}, true)}).configurations()->to_uint64() == 1 + 72 + 72 * 71 / 2);
  CHECK(Space(net, {crash({2, 1}, false)}).configurations()->to_uint64() == (1 + 64 + 2016) * 9);
  CHECK(Space(net, {crash({2, 1}, false, true)}).configurations()->to_uint64() == 2016 * 8);
  // two models on disjoint neurons: exactly one crash and exactly one stuck neuron
  Failure stuck = crash({1}, true, true);
  stuck.effect = Effect::stuck;
  stuck.amount = {1.0};
  CHECK(Space(net, {crash({1}, true, true), stuck}).configurations()->to_uint64() == 72 * 71);
  CHECK(Space(net, {crash({1}, true, true), stuck}).magnitude() == 72 * 71);
  // several disjoint models multiply; a space that takes too long to count is said to be one
  std::vector<Failure> apart;
  for (Index part = 0; part < 4; ++part) {
    apart.push_back(crash({8}, true, true));
    apart.back().among.emplace();
    for (Index to = 0; to < 16; ++to) apart.back().among->push_back({1, 16 * part + to, -1});
  }
  const std::uint64_t each = 12870;  // 16 over 8
  CHECK(Space(net, apart).configurations()->to_uint64() == each * each * each * each);
  CHECK(!Space(net, apart).configurations(100) && std::isinf(Space(net, apart).magnitude(100)));
  // enough for each alone, not for both: Hall's condition
  Failure few = crash({5}, true, true);
  few.among = std::vector<Site>{{2, 0, -1}, {2, 1, -1}, {2, 2, -1}, {2, 3, -1}, {2, 4, -1}};
  Failure more = crash({4}, true, true);
  more.among = std::vector<Site>{{2, 2, -1}, {2, 3, -1}, {2, 4, -1}, {2, 5, -1}};
  CHECK(message_of<std::invalid_argument>([&] { Space(net, {few, more}); }).find("not enough of them") !=
        std::string::npos);
  more.among->push_back({2, 6, -1});
  more.counts = {2};
  CHECK(Space(net, {few, more}).configurations()->to_uint64() == 1);
  CHECK(message_of<std::invalid_argument>([&] { Space(net, {crash({3, 9}, false)}); }) ==
        "Crash((3, 9)): layer 2 has 8 neurons, at most 8 can fail");
  CHECK(message_of<std::invalid_argument>([&] { Space(net, {crash({73}, true)}); }) ==
        "Crash(73): 72 neurons can fail, not 73");
  Failure among = crash({1}, true);
  among.among = std::vector<Site>{{2, 8, -1}};
  CHECK(message_of<std::invalid_argument>([&] { Space(net, {among}); }).find("layer 2 has 8 neurons") !=
        std::string::npos);
  flips_are_of_words(net);
}
