// SPDX-License-Identifier: MIT
#include "search/adapters/opinions.hpp"

#include <algorithm>
#include <cmath>

#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

/// Multiply-adds of a matrix product in one second of one thread, for what can be expected to end in time.
constexpr double per_second = 4e9;

/// What `each` operations per weight cost.
double passes(const Network& net, double each) {
  double entries = 0;
  for (Index l = 1; l <= net.layers(); ++l) entries += static_cast<double>(net.weight(l).size());
  return each * entries;
}

bool all_pieces(const Network& net) {
  for (Index l = 1; l <= net.depth(); ++l)
    if (!net.activation(l).piecewise_linear()) return false;
  return true;
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

Opinions::Opinions(const Network& net, const Space& space, const Domain& domain, Goal goal, int threads)
    : net_(net), space_(space), domain_(domain), goal_(goal), threads_(threads),
      team_(workers(static_cast<std::uint64_t>(domain.size()), threads)) {
  const auto rows = static_cast<double>(domain.size());
  const auto outputs = static_cast<double>(net.outputs());
  const double synapses = any_synapses(space) ? 1 : 0;
  // what a pass costs was measured, with and without a candidate for every weight
  const auto add = [&](Method method, double each, double product = 0) {
    methods_.push_back({method, rows * (passes(net, each) + product)});
  };
  const double smooth = all_pieces(net) ? 1 : 5;  // lines of a smooth activation are searched for
  if (domain.size() > 1) add(Method::capped, 4);
  add(Method::signed_, 12 + 500 * synapses);
  add(Method::adjoint, 4 + outputs * (1 + 200 * synapses));
  double tables = 0;  // a synapse into every receiver, for every receiver
  for (Index l = 1; l <= net.layers(); ++l) tables += 12 * synapses * std::pow(static_cast<double>(net.width(l)), 2);
  add(Method::linear, smooth * (20 * outputs + 500 * synapses), smooth * 2 * cost_of_linear(net) + tables);
  std::stable_sort(methods_.begin(), methods_.end(), [](const auto& a, const auto& b) { return a.cost < b.cost; });
  if (domain.size() == 1) add(Method::capped, 4);  // that was the first opinion, but for single outputs
  add(Method::matrix, 10 + 500 * synapses);        // these two seldom know what the others do not
  add(Method::at_most, 4);
  std::reverse(methods_.begin(), methods_.end());
}

std::optional<Vector> Opinions::next(double work, double seconds) {
  if (methods_.empty()) return std::nullopt;
  const Candidate now = methods_.back();
  if (spent_ + now.cost > work || now.cost > seconds * per_second * team_) return std::nullopt;
  methods_.pop_back();
  spent_ += now.cost;
  const Matrix found = bound(net_, space_, domain_, now.method, goal_, threads_).values;
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
