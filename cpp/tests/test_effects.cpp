// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <memory>

#include "by_hand.hpp"
#include "check.hpp"
#include "core/rounding.hpp"
#include "failure/conduct.hpp"
#include "failure/effects.hpp"
#include "withstand/bound.hpp"
#include "withstand/failed.hpp"
#include "withstand/search.hpp"

// The laws of effects, and every engine where a component may fail in several ways.
using namespace withstand;

namespace {

Failure failure(Effect effect, std::vector<double> amount, std::vector<Index> counts = {1}, bool exactly = false) {
  Failure failure;
  failure.effect = effect;
  failure.amount = std::move(amount);
  failure.total = counts.size() == 1;
  failure.counts = std::move(counts);
  failure.exactly = exactly;
  if (effect != Effect::bit_flip && effect != Effect::weight_flip) return failure;
  Words words;
  words.format = Format::named("int8");
  for (int bit = 0; bit < 8; ++bit) words.masks.push_back(std::uint64_t{1} << bit);
  words.scalings.assign(2, {{1.0 / 64, 0}});
  failure.words = std::make_shared<const Words>(std::move(words));
  return failure;
}

/// A component that such a failure strikes.
Site site_of(Effect effect) {
  if (on_parameters(effect)) return {1, 0, Site::parameters};
  return on_synapses(effect) ? Site{1, 0, 0} : Site{1, 0, -1};
}

bool holds(const Interval& interval, double x) { return interval.lower <= x && x <= interval.upper; }

/// What a component sends lies in what it may send, and what it is off by in what it may be off by: at points and over
/// intervals around them.
void check_laws(const Failure& f, double signal, double weight, double width) {
  const bool parameter = on_parameters(f.effect), synapse = on_synapses(f.effect) || parameter;
  const Site site = site_of(f.effect);
  if (!synapse) weight = 1;
  const double would = synapse ? weight * signal : signal;
  const Interval around{signal - width, signal + 0.5 * width};
  for (Failed how : choices_of(f))
    for (double share : {0.0, 0.3, 1.0}) {
      how.free *= share;
      how.site = site;
      const double sent = sends(f, how, {signal, signal, weight});
      for (const Interval& signals : {Interval{signal, signal}, around}) {
        CHECK(holds(sends(f, site, signals, weight), sent));
        // Of an effect that adds, what it adds: the computed difference rounds.
        const Interval off = deviates(f, site, signals, weight);
        if (parameter) {
          const Interval moved = moves(f, site, signals, weight);
          CHECK(moved.lower <= sub_up(sent, would) && sub_down(sent, would) <= moved.upper);
        }
        const double slack = is_added(f.effect) ? 4 * unit_roundoff * (std::abs(sent) + std::abs(would)) : 0;
        CHECK(off.lower - slack <= sub_up(sent, would) && sub_down(sent, would) <= off.upper + slack);
      }
      if (!synapse || !hears_something(f))
        CHECK(holds(freedom(f, site), is_added(f.effect) ? how.free : sent));
    }
  for (int way = 0; way < ways(f); ++way)
    CHECK(sends(f, way, site, signal, weight) == sends(f, {site, 0, way, 7}, {9, signal, weight}));
}

void check_table() {
  for (std::size_t row = 0; row < conducts().size(); ++row) {
    CHECK(static_cast<std::size_t>(conducts()[row].effect) == row);
    CHECK(&conduct(static_cast<Effect>(row)) == &conducts()[row]);
  }
  const auto unknown = static_cast<Effect>(conducts().size());
  CHECK(message_of<std::logic_error>([&] { conduct(unknown); }) == "an effect without a row in the table");
  CHECK(message_of<std::logic_error>([&] { sends(failure(Effect::crash, {}), 1, {}, 0); }) == "Crash(1): has no way 1 to fail");
  CHECK(message_of<std::logic_error>([&] { sends(failure(Effect::byzantine, {1}), 0, {}, 0); }) ==
        "Byzantine(1, capacity=1): has no way 0 to fail");
  CHECK(failure(Effect::stuck, {0.5, -2}, {3}).describe() == "StuckAt(3, value=0.5 or -2)");
}

/// Which signal an effect hears: that of the intact network, or that of the execution.
void check_hearing() {
  const Signal signal{2, 5, -3};
  const auto sent = [&](Effect effect) { return sends(failure(effect, {1}), {{}, 0, 0, 0.25}, signal); };
  CHECK(sends(failure(Effect::crash, {}), {}, signal) == 0 && sends(failure(Effect::synapse_crash, {}), {}, signal) == 0);
  CHECK(sent(Effect::stuck) == 1 && sent(Effect::byzantine) == 0.25 && sent(Effect::synapse_replace) == 0.25);
  CHECK(sends(failure(Effect::deviation, {1}), {{}, 0, 0, 0.25}, {2, 5}) == 2.25);
  CHECK(sends(failure(Effect::noise, {1}), {{}, 0, 0, 0.25}, {2, 5}) == 5.25);
  CHECK(sent(Effect::synapse_product) == -14.75 && sent(Effect::synapse_signal) == -15.75);
}

/// Golden words (docs/theory.md 17), and what flips make of signals and of parameters.
void check_words() {
  const auto flipped = [](const char* name, double value, int bit) {
    const Format format = Format::named(name);
    return decoded(format, {}, encoded(format, {}, value) ^ std::uint64_t{1} << bit);
  };
  const double of_five[] = {4, 7, 1, 13, 21, 37, 69, -123};
  for (int bit = 0; bit < 8; ++bit) CHECK(flipped("int8", 5, bit) == of_five[bit]);
  CHECK(flipped("float32", 1, 0) == 1 + 0x1p-23 && flipped("float32", 1, 22) == 1.5 && flipped("float32", 1, 23) == 0.5);
  CHECK(flipped("float32", 1, 24) == 0.25 && flipped("float32", 1, 29) == 0x1p-64 && flipped("float32", 1, 31) == -1);
  CHECK(std::isinf(flipped("float32", 1, 30)) && std::isinf(flipped("float16", 1, 14)) && std::isinf(flipped("bfloat16", 1, 14)));
  CHECK(flipped("float32", 0.1, 30) == static_cast<double>(3.4028237e37F));
  CHECK(decoded(Format::named("uint8"), {0.5, 3}, encoded(Format::named("uint8"), {0.5, 3}, 2.25)) == 2);  // half to even
  CHECK(encoded(Format::named("float16"), {}, 65520) == 0x7c00 && decoded(Format::named("float16"), {}, 1) == 0x1p-24);
  const Failure signal = failure(Effect::bit_flip, {});
  CHECK(sends(signal, 7, {1, 0, -1}, 5.0 / 64) == -123.0 / 64);  // the sign of the word 5
  const Failure weight = failure(Effect::weight_flip, {});
  CHECK(sends(weight, 7, site_of(Effect::weight_flip), 2, 5.0 / 64) == -246.0 / 64);
}

void check_enumeration(const Setting& s, const Space& space, Goal goal, const Worst& worst) {
  CHECK(space.configurations()->to_uint64() == worst.count);
  CHECK(space.magnitude() == static_cast<double>(worst.count));
  for (bool eliminate : {true, false}) {
    Question question;
    question.decisions = goal == Goal::argmax;
    question.components = true;
    question.eliminate = eliminate;
    const Enumerator engine(s.network, space, s.inputs, question);
    const Statistics found = engine.run(0, engine.batches(), 1);
    CHECK(found.count == worst.count && engine.configurations() == worst.count);
    for (const Entry& entry : found.top) {
      const Vector input = s.inputs.row(entry.input).transpose();
      CHECK(replay(s.network, input, engine.witness(entry), goal).harm == entry.error);
    }
    CHECK(found.top.front().error == worst.harm);
    Entry other = found.top.front();
    for (int manner : {-1, ways(space.terms().front().failure)}) {
      other.manners.assign(other.sites.size(), manner);
      CHECK(message_of<std::invalid_argument>([&] { engine.witness(other); }).find("another enumeration") !=
            std::string::npos);
    }
    double most = -infinity;
    for (const ComponentErrors& component : found.components) most = std::max(most, component.worst);
    CHECK(most == worst.harm);
  }
}

/// All engines against trying everything: neurons that are stuck at one of several values.
void check_several_ways(const char* activation, const std::vector<double>& values, bool exactly) {
  const Setting s = setting({3, 6, 5, 3}, activation, 2);
  const Failure f = failure(Effect::stuck, values, {2}, exactly);
  const Space space(s.network, {f});
  for (Goal goal : {Goal::error, Goal::argmax}) {
    const Worst worst = by_hand(s, space, goal);
    check_enumeration(s, space, goal, worst);
    const Domain points = Domain::points(s.inputs);
    for (double bounding : {0.0, 0.3, infinity}) {
      SearchOptions options;
      options.goal = goal;
      options.bounding = bounding;
      options.threads = 1;
      const SearchResult found = worst_case(s.network, space, points, options);
      CHECK(found.status == SearchStatus::exact && found.lower == worst.harm);
      CHECK(found.upper <= worst.harm + 1e-12 * std::abs(worst.harm));
      CHECK(replay(s.network, found.witness->input, found.witness->failed, goal).harm == worst.harm);
    }
    for (const MethodFacts& method : methods()) {
      if (method.method == Method::fep) continue;  // it refuses what its condition does not cover
      const Bounds found = bound(s.network, space, points, method.method, goal, 1);
      CHECK(worst.harm <= found.values.maxCoeff() + found.slack);
    }
  }
  const Vector lower = s.inputs.row(0).transpose();
  const Domain box = Domain::box(lower, lower + Vector::Ones(lower.size()));
  CHECK(message_of<std::invalid_argument>([&] { worst_case(s.network, space, box, {}); }).find("several ways") !=
        std::string::npos);
}

/// A shard begins where the one before it ends, in every class and manner.
void check_shards() {
  const Setting s = setting({3, 40, 30, 2}, "tanh", 1);
  const Space space(s.network, {failure(Effect::stuck, {0.5, -0.5, 1}, {2}), failure(Effect::crash, {}, {1})});
  const Enumerator engine(s.network, space, s.inputs, {});
  const Statistics whole = engine.run(0, engine.batches(), 1);
  CHECK(engine.batches() > 3 && whole.count == space.configurations()->to_uint64());
  Statistics parts(2, 10);
  for (std::uint64_t batch = 0; batch < engine.batches(); ++batch) parts.merge(engine.run(batch, batch + 1, 1));
  CHECK(parts.count == whole.count && parts.per_output == whole.per_output && parts.least == whole.least);
  CHECK(parts.sum.digits().values == whole.sum.digits().values);
  for (std::size_t i = 0; i < whole.top.size(); ++i)
    CHECK(!worse(parts.top[i], whole.top[i]) && !worse(whole.top[i], parts.top[i]));
}

}  // namespace

int main() {
  check_table();
  check_hearing();
  check_words();
  Numbers numbers;
  for (int draw = 0; draw < 200; ++draw) {
    const double signal = 3 * numbers.next(), weight = 2 * numbers.next(), amount = std::abs(numbers.next());
    for (const Conduct& row : conducts())
      for (double width : {0.0, 0.5, infinity}) check_laws(failure(row.effect, {amount}), signal, weight, width);
    check_laws(failure(Effect::stuck, {amount, -2, 0}), signal, weight, 1);
  }
  for (const char* activation : {"relu", "tanh"})
    for (bool exactly : {false, true}) {
      check_several_ways(activation, {0.75, -1}, exactly);
      check_several_ways(activation, {0, 2, 0.5}, exactly);
    }
  check_shards();
}
