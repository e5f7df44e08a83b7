// SPDX-License-Identifier: MIT
#include "search/adapters/opinions.hpp"

#include <algorithm>
#include <cmath>

#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

/// Multiply-adds of a matrix product in one second of one thread, for what can be expected to end in time.
constexpr double per_second = 4e9;

/// A budget with some seconds more: only its watch ends work at once.
class Late : public Interrupter {
 public:
  explicit Late(Budget& budget) : budget_(budget) {}
  bool goes_on(bool caller) override {
    return budget_.goes_on(caller) || (!budget_.interrupted() && budget_.remaining() > -Opinions::grace);
  }

 private:
  Budget& budget_;
};

/// What `each` operations per weight cost.
double passes(const Network& net, double each) {
  double entries = 0;
  for (Index l = 1; l <= net.layers(); ++l) entries += net.map(l).cost();
  return each * entries;
}

/// Multiply-adds in the time it takes to search for the lines of every smooth neuron: some 30 microseconds each.
double lines(const Network& net) {
  double cost = 0;
  for (Index l = 1; l <= net.layers(); ++l)
    if (!net.activation(l).piecewise_linear()) cost += 1.2e5 * static_cast<double>(net.width(l));
  return cost;
}

bool any_synapses(const Space& space) {
  return std::any_of(space.terms().begin(), space.terms().end(),
                     [](const Space::Term& term) { return on_synapses(term.failure.effect); });
}

}  // namespace

double cost_of_linear(const Network& net) {
  double cost = 0;
  for (Index l = 2; l <= net.layers(); ++l) {
    const double rows = 2 * static_cast<double>(net.width(l));
    cost += 8 * rows * static_cast<double>(net.width(l - 1));
    for (Index below = l - 1; below >= 2; --below)
      cost += rows * static_cast<double>(net.width(below)) * static_cast<double>(net.width(below - 1));
  }
  return cost;
}

Opinions::Opinions(const Network& net, const Space& space, const Domain& domain, Goal goal, int threads,
                   Budget& budget)
    : net_(net), space_(space), domain_(domain), goal_(goal), threads_(threads), budget_(budget),
      team_(workers(static_cast<std::uint64_t>(domain.size()), threads)) {
  const auto rows = static_cast<double>(domain.size());
  const auto outputs = static_cast<double>(net.outputs());
  const double synapses = any_synapses(space) ? 1 : 0;
  // what a pass costs was measured, with and without a candidate for every weight
  const auto add = [&](Method method, double each, double product = 0) {
    methods_.push_back({method, rows * (passes(net, each) + product)});
  };
  if (domain.size() > 1) add(Method::capped, 4);
  add(Method::signed_, 12 + 500 * synapses);
  add(Method::adjoint, 4 + outputs * (1 + 200 * synapses));
  double tables = 0;  // a synapse into every receiver, for every receiver
  for (Index l = 1; l <= net.layers(); ++l) tables += 12 * synapses * std::pow(static_cast<double>(net.width(l)), 2);
  add(Method::linear, 20 * outputs + 500 * synapses, 2 * cost_of_linear(net) + lines(net) + tables);
  std::stable_sort(methods_.begin(), methods_.end(), [](const auto& a, const auto& b) { return a.cost < b.cost; });
  if (domain.size() == 1) add(Method::capped, 4);  // that was the first opinion, but for single outputs
  add(Method::matrix, 10 + 500 * synapses);        // these two seldom know what the others do not
  add(Method::at_most, 4);
  std::reverse(methods_.begin(), methods_.end());
}

std::optional<Vector> Opinions::next(double work) {
  if (methods_.empty()) return std::nullopt;
  const Candidate now = methods_.back();
  const double seconds = budget_.remaining() + grace;
  if (spent_ + now.cost > work || now.cost > seconds * per_second * team_) return std::nullopt;
  Late late(budget_);
  const Interruptible patient(late);
  const Matrix found = bound(net_, space_, domain_, now.method, goal_, threads_).values;
  methods_.pop_back();
  spent_ += now.cost;
  known_ = known_.size() == 0 ? found : Matrix(known_.cwiseMin(found));  // output by output, as "tightest"
  return known_.rowwise().maxCoeff();
}

double Opinions::seconds() const {
  double cost = 0;
  for (const Candidate& method : methods_) cost += method.cost;
  return cost / per_second / team_;
}

double Opinions::few_passes() const { return static_cast<double>(domain_.size()) * passes(net_, 40); }

double first_opinion(const Network& net, const Space& space, const Domain& domain, Goal goal) {
  const Domain hull{domain.lower.colwise().minCoeff(), domain.upper.colwise().maxCoeff()};
  constexpr Index few = 32;  // outputs, of which every pair is looked at
  const bool pairs = goal == Goal::argmax && net.outputs() <= few;
  const double most = bound(net, space, hull, Method::capped, pairs ? goal : Goal::error, 1).values.maxCoeff();
  // with c the intact class, F^_j - F^_c <= (F_j - F_c) + e_j + e_c, and the first is not above 0
  return goal == Goal::argmax && !pairs ? 2 * most : most;
}

}  // namespace withstand::search
