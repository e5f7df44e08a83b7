// SPDX-License-Identifier: MIT
#include <cmath>
#include <memory>

#include "by_hand.hpp"
#include "check.hpp"
#include "core/budget.hpp"
#include "core/rounding.hpp"
#include "failure/effects.hpp"
#include "search/adapters/parameters.hpp"
#include "withstand/bound.hpp"
#include "withstand/failed.hpp"
#include "withstand/search.hpp"

// Components that are more than one neuron or synapse, or hear what they are sent: all engines against trying everything.
using namespace withstand;

namespace {

/// A chain whose weights are words of int8 with scale 1/32.
Setting of_words(const std::vector<Index>& widths, const char* activation) {
  const Setting s = setting(widths, activation, 2);
  std::vector<Matrix> weights;
  std::vector<Vector> biases;
  std::vector<Activation> activations;
  for (Index l = 1; l <= s.network.layers(); ++l) {
    const auto word = [](double w) { return std::min(std::max(std::nearbyint(32 * w), -128.0), 127.0) / 32; };
    weights.push_back(s.network.map(l).matrix()->unaryExpr(word));
    biases.push_back(s.network.bias(l));
    activations.push_back(s.network.activation(l));
  }
  return {Network(std::move(weights), std::move(biases), std::move(activations)), s.inputs};
}

Failure failure(Effect effect, Index count, bool exactly, std::optional<int> to = {}) {
  Failure f = crash({count}, true);
  f.effect = effect;
  f.exactly = exactly;
  Words words;
  words.format = Format::named("int8");
  for (int bit = 0; bit < 8; ++bit) words.masks.push_back(std::uint64_t{1} << bit);
  words.scalings.assign(6, {{1.0 / 32, 0}});
  words.to = to;
  if (effect == Effect::bit_flip || effect == Effect::weight_flip) f.words = std::make_shared<const Words>(std::move(words));
  return f;
}

bool close(double a, double b, double room) { return std::abs(a - b) <= room + 1e-12 * std::abs(b); }

void check_engines(const Setting& s, const Failure& f) {
  const Space space(s.network, {f});
  CHECK(!space.plain());
  for (Goal goal : {Goal::error, Goal::argmax}) {
    const Worst worst = by_hand(s, space, goal);
    Question question;
    question.decisions = goal == Goal::argmax;
    question.components = true;
    const Enumerator engine(s.network, space, s.inputs, question);
    Statistics parts(static_cast<std::size_t>(s.network.outputs()), question.top);
    for (std::uint64_t batch = 0; batch < engine.batches(); ++batch) parts.merge(engine.run(batch, batch + 1, 2));
    CHECK(parts.count == worst.count && engine.configurations() == worst.count && parts.infinite == 0);
    CHECK(space.configurations()->to_uint64() == worst.count);
    CHECK(parts.top.front().error == worst.harm);
    double most = -infinity;
    for (const ComponentErrors& component : parts.components) most = std::max(most, component.worst);
    CHECK(most == worst.harm || f.exactly == false);
    const Domain points = Domain::points(s.inputs);
    SearchOptions options;
    options.goal = goal;
    options.threads = 1;
    const SearchResult found = worst_case(s.network, space, points, options);
    CHECK(found.status == SearchStatus::exact && found.lower == worst.harm && found.upper >= worst.harm);
    Budget budget(Budget::unlimited, infinity, {});
    if (const auto searched = search::by_parameters(s.network, space, points, options, infinity, budget)) {
      CHECK(close(searched->lower, worst.harm, searched->rounding) && searched->upper >= worst.harm);
      CHECK(searched->upper <= worst.harm + searched->rounding + 1e-9 * std::abs(worst.harm));
      CHECK(static_cast<Index>(searched->witness->ways.size()) <= f.counts.front());
    } else {
      CHECK(f.exactly || !on_parameters(f.effect));
    }
    for (const MethodFacts& method : methods()) {
      if (!method.parts || method.method == Method::fep) continue;
      const Bounds known = bound(s.network, space, points, method.method, goal, 1);
      CHECK(worst.harm <= known.values.maxCoeff() + known.slack);
    }
  }
}

Failure groups(Effect effect, Index count, bool exactly) {
  Failure f = failure(effect, count, exactly);
  if (effect == Effect::stuck) f.amount = {0.5};
  f.groups = {{{{1, 0, -1}, {2, 1, -1}}, {{1, 2, -1}, {1, 1, -1}}, {{2, 0, -1}}}};
  return f;
}

/// Biases with their own words, and groups that a layer cannot hold.
void check_refusals() {
  const Setting s = of_words({2, 3, 2}, "relu");
  Failure f = failure(Effect::weight_flip, 1, false);
  Words words = *f.words;
  words.scalings.assign(6, {{1.0 / 3, 0}});
  f.words = std::make_shared<const Words>(words);
  CHECK(message_of<std::invalid_argument>([&] { Space(s.network, {f}); }).find("is no word of int8") != std::string::npos);
  Failure twice = groups(Effect::crash, 1, false);
  twice.groups->push_back({{1, 0, -1}});
  const Setting t = of_words({2, 3, 3, 2}, "relu");
  CHECK(message_of<std::invalid_argument>([&] { Space(t.network, {twice}); }).find("is in two groups") != std::string::npos);
}

}  // namespace

int main() {
  for (const char* activation : {"relu", "tanh", "relu6"}) {
    const Setting s = of_words({2, 3, 3, 2}, activation);
    for (bool exactly : {false, true}) {
      check_engines(s, failure(Effect::weight_flip, 1, exactly));
      check_engines(s, failure(Effect::weight_flip, 2, exactly));
      check_engines(s, failure(Effect::weight_flip, 2, exactly, 1));
      check_engines(s, failure(Effect::weight_crash, 2, exactly));
      check_engines(s, failure(Effect::bit_flip, 2, exactly));
      check_engines(s, groups(Effect::crash, 2, exactly));
      check_engines(s, groups(Effect::stuck, 1, exactly));
    }
  }
  check_refusals();
}
