// SPDX-License-Identifier: MIT
#include "../bench/setting.hpp"
#include "check.hpp"
#include "core/budget.hpp"
#include "core/rounding.hpp"
#include "search/layered/potential.hpp"
#include "search/points.hpp"

// Layered enumeration finds the same with potentials and without them, and no failure adds more than its potential.
using namespace withstand;
using namespace withstand::search;

namespace {

struct Outcome {
  Witness witness;
  std::uint64_t evaluations;
};

Outcome walked(const Setting& s, const Space& space, Goal goal, bool ahead) {
  const Choices choices(s.network, space);
  const Domain domain = Domain::points(s.inputs);
  Incumbent incumbent;
  Budget budget(Budget::unlimited, infinity, {});
  Points points(s.network, space, domain, goal, choices, incumbent);
  const BranchBound::Row row = points.prepare(0);
  CHECK(!ahead || Potential::holds(row.problem, choices));
  const auto potential = ahead ? std::make_unique<Potential>(row.problem) : nullptr;
  Layered walk(row.problem, choices, row.noise, incumbent, budget, potential.get());
  walk.run();
  CHECK(incumbent.witness().has_value());
  return {*incumbent.witness(), walk.evaluations()};
}

Failure stuck(std::vector<double> amounts, std::vector<Index> counts, bool total) {
  Failure failure = crash(std::move(counts), total);
  failure.effect = Effect::stuck;
  failure.amount = std::move(amounts);
  return failure;
}

/// What the failure of a neuron adds at most, where it transmits `change` more than in the state.
double gain(const Potential& potential, Index layer, Index neuron, double change) {
  const Potential::Layer& at = potential.layer(layer);
  const auto i = static_cast<std::size_t>(neuron);
  return std::max(at.rise[i] * change, -at.fall[i] * change) + at.rounding[i];
}

/// What has failed, and then later components one by one: the first of them is where the law begins.
void check_gains(const Setting& s, const Space& space, Goal goal, double value) {
  const Choices choices(s.network, space);
  const Domain domain = Domain::points(s.inputs);
  Incumbent incumbent;
  Points points(s.network, space, domain, goal, choices, incumbent);
  const BranchBound::Row row = points.prepare(0);
  const Potential potential(row.problem);
  CHECK(potential.finite());
  const Vector x = s.inputs.row(0).transpose();
  std::vector<Forced> all;
  for (Index l = 1; l <= s.network.depth(); ++l)
    for (Index i = 0; i < s.network.width(l); ++i) all.push_back({{l, i, -1}, value});
  for (std::size_t a = 0; a < all.size(); ++a) {
    const Trace state = trace(s.network, x, {all[a]});
    const double harm = row.problem.harm(state.post.back());
    for (std::size_t b = a + 1; b < all.size(); ++b)
      for (std::size_t c = b + 1; c < all.size(); ++c) {
        double most = harm;
        for (const Forced& f : {all[b], all[c]})
          most += gain(potential, f.site.layer, f.site.to, f.value - state.post[static_cast<std::size_t>(f.site.layer)](f.site.to));
        CHECK(row.problem.harm(forward(s.network, x, {all[a], all[b], all[c]})) <= most + row.noise);
      }
  }
}

}  // namespace

int main() {
  std::uint64_t with = 0, without = 0;
  for (const char* activation : {"relu", "logistic", "tanh", "gelu", "leaky_relu", "elu", "hard_tanh"})
    for (Goal goal : {Goal::error, Goal::argmax}) {
      const Setting s = setting({3, 7, 6, 5, 3}, activation, 1);
      for (const Failure& failure : {crash({3}, true), crash({1, 2, 1}, false), stuck({0.75}, {3}, true),
                                     stuck({-1, 0.5}, {2}, true)}) {
        const Space space(s.network, {failure});
        const Outcome plain = walked(s, space, goal, false), ahead = walked(s, space, goal, true);
        CHECK(ahead.witness.harm == plain.witness.harm);
        CHECK(ahead.witness.failed.size() == plain.witness.failed.size());
        for (std::size_t n = 0; n < plain.witness.failed.size(); ++n)
          CHECK(ahead.witness.failed[n].site == plain.witness.failed[n].site);
        with += ahead.evaluations;
        without += plain.evaluations;
      }
      check_gains(s, Space(s.network, {crash({3}, true)}), goal, 0);
      check_gains(s, Space(s.network, {stuck({0.75}, {3}, true)}), goal, 0.75);
    }
  CHECK(with < without);
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {  // what one part left behind must not be what the next one begins with
    const Setting s = setting({2, 5, 4, 3, 2}, seed % 2 == 0 ? "relu" : "logistic", 1, seed);
    const Space space(s.network, {crash({static_cast<Index>(2 + seed % 2)}, true)});
    CHECK(walked(s, space, Goal::error, true).witness.harm == walked(s, space, Goal::error, false).witness.harm);
  }
}
