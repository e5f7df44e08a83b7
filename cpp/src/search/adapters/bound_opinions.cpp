// SPDX-License-Identifier: MIT
#include "search/adapters/bound_opinions.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "withstand/bound.hpp"
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

/// Of this turn are methods that execute sets of failures, as the search itself does: it asks them when a tenth of its time
/// has gone without an answer, or it ends without one.
constexpr double executing = 4;

/// What a search has heard before it begins, of all rows together.
constexpr Method first = Method::capped;

class BoundOpinions : public Opinions {
 public:
  BoundOpinions(const Network& net, const Space& space, const Domain& domain, Goal goal, int threads, Budget& budget);
  std::optional<Vector> next(double work) override;
  double seconds() const override;
  double few_passes() const override { return static_cast<double>(domain_.size()) * passes(net_, 40); }

 private:
  struct Candidate {
    Method method;
    double cost;
    double turn;  ///< see MethodFacts; what has been heard comes between turns 1 and 2
  };

  const Network& net_;
  const Space& space_;
  const Domain& domain_;
  Goal goal_;
  int threads_;
  Budget& budget_;
  double team_;
  std::vector<Candidate> methods_;  ///< still to be asked, the next one last
  double spent_ = 0;
  Matrix known_;  ///< the least so far, of every output at every row
};

BoundOpinions::BoundOpinions(const Network& net, const Space& space, const Domain& domain, Goal goal, int threads,
                             Budget& budget)
    : net_(net), space_(space), domain_(domain), goal_(goal), threads_(threads), budget_(budget),
      team_(workers(static_cast<std::uint64_t>(domain.size()), threads)) {
  const bool heard = domain.size() == 1;  // but for single outputs
  for (const MethodFacts& facts : methods())
    if (facts.turn > 0 && applies(facts, space, domain))
      methods_.push_back({facts.method, static_cast<double>(domain.size()) * facts.cost(net, space),
                          facts.method == first && heard ? 1.5 : static_cast<double>(facts.turn)});
  std::stable_sort(methods_.begin(), methods_.end(), [](const auto& a, const auto& b) {
    return a.turn != b.turn ? a.turn < b.turn : a.cost < b.cost;
  });
  std::reverse(methods_.begin(), methods_.end());
}

std::optional<Vector> BoundOpinions::next(double work) {
  if (methods_.empty()) return std::nullopt;
  const Candidate now = methods_.back();
  const double seconds = budget_.remaining() + grace;
  const bool early = budget_.reason() == Budget::Stop::none && budget_.elapsed() <= 0.1;
  if (now.turn == executing && early) return std::nullopt;
  if (spent_ + now.cost > work || now.cost > seconds * per_second * team_) return std::nullopt;
  Late late(budget_);
  const Interruptible patient(late);
  const Matrix found = bound(net_, space_, domain_, now.method, goal_, threads_).values;
  methods_.pop_back();
  spent_ += now.cost;
  known_ = known_.size() == 0 ? found : Matrix(known_.cwiseMin(found));  // output by output, as "tightest"
  return known_.rowwise().maxCoeff();
}

double BoundOpinions::seconds() const {
  double cost = 0;
  for (const Candidate& method : methods_)
    if (method.turn != executing) cost += method.cost;
  return cost / per_second / team_;
}

}  // namespace

std::unique_ptr<Opinions> bound_opinions(const Network& net, const Space& space, const Domain& domain, Goal goal,
                                         int threads, Budget& budget) {
  return std::make_unique<BoundOpinions>(net, space, domain, goal, threads, budget);
}

double first_opinion(const Network& net, const Space& space, const Domain& domain, Goal goal) {
  const Domain hull{domain.lower.colwise().minCoeff(), domain.upper.colwise().maxCoeff()};
  constexpr Index few = 32;  // outputs, of which every pair is looked at
  const bool pairs = goal == Goal::argmax && net.outputs() <= few;
  const double most = bound(net, space, hull, first, pairs ? goal : Goal::error, 1).values.maxCoeff();
  // with c the intact class, F^_j - F^_c <= (F_j - F_c) + e_j + e_c, and the first is not above 0
  return goal == Goal::argmax && !pairs ? 2 * most : most;
}

double last_opinion(const Network& net, const Space& space, const Domain& domain, Goal goal, int threads) {
  return bound(net, space, domain, Method::tightest, goal, threads).values.maxCoeff();
}

}  // namespace withstand::search
