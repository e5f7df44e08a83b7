// SPDX-License-Identifier: MIT
#include "../bench/setting.hpp"
#include "check.hpp"
#include "withstand/bound.hpp"
#include "withstand/enumerate.hpp"
#include "withstand/linear.hpp"
#include "core/rounding.hpp"
#include "withstand/search.hpp"

// All engines in one program, which must agree about the same failures. A build of it with every definition in view
// (preset `odr`) and with every assertion on (preset `debug`) sees what separate programs cannot.
using namespace withstand;

namespace {

Failure failure(Effect effect, std::vector<double> amount, std::vector<Index> counts, bool total, bool exactly) {
  Failure failure;
  failure.effect = effect;
  failure.amount = std::move(amount);
  failure.counts = std::move(counts);
  failure.total = total;
  failure.exactly = exactly;
  return failure;
}

double enumerated(const Setting& s, const Space& space, Goal goal) {
  Question question;
  question.decisions = goal == Goal::argmax;
  question.components = true;
  const Enumerator engine(s.network, space, s.inputs, question);
  const Statistics found = engine.run(0, engine.batches(), 1);
  CHECK(found.count == engine.configurations());
  CHECK(!found.top.empty());
  return found.top.front().error;
}

void check_search(const Setting& s, const Space& space, Goal goal, double worst) {
  for (double bounding : {0.0, 0.3, infinity}) {
    SearchOptions options;
    options.goal = goal;
    options.bounding = bounding;
    options.threads = 1;
    const SearchResult found = worst_case(s.network, space, Domain::points(s.inputs), options);
    CHECK(found.status == SearchStatus::exact);
    CHECK(found.lower == worst);
    CHECK(worst <= found.upper && found.upper <= worst + 1e-12 * std::abs(worst));  // bounds are rounded upwards
    CHECK(found.witness && found.witness->harm == worst);
    const Harm harm(s.network, found.witness->input, goal);
    CHECK(harm(forward(s.network, found.witness->input, found.witness->failed)) == worst);
  }
}

void check_bounds(const Setting& s, const Space& space, Goal goal, double worst) {
  const Domain points = Domain::points(s.inputs);
  for (Method method : {Method::signed_, Method::linear, Method::tightest}) {
    const Bounds found = bound(s.network, space, points, method, goal, 1);
    CHECK(worst <= found.values.maxCoeff() + found.slack);
  }
  const Restriction all(space);
  for (Index n = 0; n < s.inputs.rows(); ++n) {
    LinearBound linear(s.network, space, s.inputs.row(n).transpose(), s.inputs.row(n).transpose());
    CHECK(linear(all, Matrix::Identity(s.network.outputs(), s.network.outputs())).deviation.allFinite());
  }
}

void check_finite(const Setting& s, const std::vector<Failure>& failures) {
  const Space space(s.network, failures);
  for (Goal goal : {Goal::error, Goal::argmax}) {
    const double worst = enumerated(s, space, goal);
    check_search(s, space, goal, worst);
    check_bounds(s, space, goal, worst);
  }
}

/// Values that range over intervals: what can be enumerated is among them.
void check_continuous(const Setting& s, Goal goal) {
  const Space byzantine(s.network, {failure(Effect::byzantine, {0.5}, {1}, true, false)});
  const Space stuck(s.network, {failure(Effect::stuck, {-0.5}, {1}, true, false)});
  SearchOptions options;
  options.goal = goal;
  options.node_limit = 200;
  const Vector radius = Vector::Constant(s.network.inputs(), 0x1p-4);
  const Vector centre = s.inputs.row(0).transpose();
  const Domain box = Domain::box(centre - radius, centre + radius);
  const double worst = enumerated({s.network, s.inputs.topRows(1)}, stuck, goal);
  const SearchResult found = worst_case(s.network, byzantine, box, options);
  CHECK(found.lower <= found.upper && worst <= found.upper);
  const Bounds limit = bound(s.network, byzantine, box, Method::tightest, goal, 1);
  CHECK(found.lower <= limit.values.maxCoeff() + limit.slack);
}

}  // namespace

int main() {
  for (const char* activation : {"relu", "hard_tanh", "tanh", "elu"}) {
    const Setting s = setting({3, 5, 4, 3}, activation, 3);
    const Failure crashes = failure(Effect::crash, {}, {2}, true, false);
    const Failure exactly = failure(Effect::crash, {}, {2, 1}, false, true);
    const Failure stuck = failure(Effect::stuck, {0.75}, {1, 1}, false, false);
    const Failure synapses = failure(Effect::synapse_crash, {}, {1, 1, 0}, false, true);
    check_finite(s, {crashes});
    check_finite(s, {exactly});
    check_finite(s, {synapses});
    check_finite(s, {stuck, crashes});
    check_finite(s, {synapses, exactly});
    for (Goal goal : {Goal::error, Goal::argmax}) check_continuous(s, goal);
  }
}
