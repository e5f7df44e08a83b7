// SPDX-License-Identifier: MIT
#include <cmath>

#include "../bench/setting.hpp"
#include "check.hpp"
#include "core/budget.hpp"
#include "search/meetings/beside.hpp"
#include "search/points.hpp"
#include "withstand/parallel.hpp"

// What two failures do beside a first is what each does alone there and what the residual leads to; every bound on the way to the
// outputs covers it. Three failures gain no more than two of their pairs, followed, and the third, bounded.
using namespace withstand;
using namespace withstand::search;

namespace {

constexpr double rounding = 1e-9;

struct Laws {
  const Setting& setting;
  Choices choices;
  Domain domain;
  Incumbent incumbent;
  Points points;
  BranchBound::Row row;
  const Matrix& rows;
  Vector x;
  Trace intact;
  Singles singles;

  Laws(const Setting& s, const Space& space)
      : setting(s), choices(s.network, space), domain(Domain::points(s.inputs)),
        points(s.network, space, domain, Goal::error, choices, incumbent),
        row(points.prepare(0)), rows(row.problem.harm.rows()), x(s.inputs.row(0).transpose()), intact(trace(s.network, x)),
        singles(*Singles::of(s.network, choices, 3, row.problem.harm, intact)) {}

  const Option& option(std::size_t n) const { return singles.options()[n]; }
  Vector objectives(std::initializer_list<std::size_t> failed) const {
    std::vector<Forced> forced;
    for (const std::size_t n : failed) forced.push_back({option(n).site, option(n).value});
    return rows * trace(setting.network, x, forced).post.back();
  }
  Encounter::Alone alone(std::size_t n) const {
    if (singles.effect(n) == nullptr) return {option(n).site, nullptr, nullptr};
    return {option(n).site, singles.begin(n, option(n).site.layer + 1), singles.end(n, setting.network.depth())};
  }

  void residual(Encounter& encounter, const Encounter::Alone& second, const Vector& gained) const {
    int asked = 0;
    const bool harmless = encounter.harmless(second, [&](double met) {
      ++asked;
      CHECK(gained.maxCoeff() <= met + rounding);
      return false;
    });
    CHECK(!harmless && asked == 1 + setting.network.depth() - second.site.layer);
    const Encounter::Followed pair = encounter.follow(second);
    Vector followed = Vector::Zero(setting.network.outputs());
    for (std::size_t n = 0; n < pair.outputs->at.size(); ++n) followed(pair.outputs->at[n]) += pair.outputs->value[n];
    CHECK(((rows * followed - gained).array().abs() <= rounding).all());
  }

  /// Every two behind a first one, in the network where that has failed.
  void beside() const {
    const std::size_t count = singles.options().size();
    Reached reached(setting.network);
    reached.start(intact.pre, intact.post);
    Encounter encounter(setting.network, singles);
    for (std::size_t a = 0; a < count; ++a) {
      reached.undo();
      reached.commit(option(a).site.layer, option(a).site.to, option(a).value);
      Beside beside(singles, rows, reached);
      encounter.start(reached.pre());
      const Vector one = objectives({a});
      for (std::size_t b = a + 1; b < count; ++b)
        for (std::size_t c = b + 1; c < count; ++c) {
          const Vector two = objectives({a, b}), other = objectives({a, c});
          CHECK((Eigen::Map<const Vector>(beside.effect(c), one.size()) - (other - one)).cwiseAbs().maxCoeff() <= rounding);
          beside.effect(b);
          encounter.first(beside.alone(b));
          residual(encounter, beside.alone(c), objectives({a, b, c}) - two - other + one);
        }
    }
  }

  /// What two can gain by meeting at most, whoever is the third: slopes of these activations differ by 1 at most.
  double meeting(std::size_t a, std::size_t b) const {
    Vector one = Vector::Zero(singles.places().count());
    const Encounter::Alone first = alone(a), second = alone(b);
    for (const Singles::Touch* t = first.begin; t < first.end; ++t) one(t->place) = std::abs(t->change);
    double total = 0;
    const Index layer = second.site.layer, j = second.site.to;
    if (layer > first.site.layer) {
      const double s = intact.pre[at(layer)](j);
      const Activation& phi = setting.network.activation(layer);
      for (const Singles::Touch* t = first.begin; t < first.end; ++t)
        if (t->place == singles.places().first(layer) + j)
          total += std::abs(phi(s + t->change) - phi(s)) * singles.steep()[at(layer)](j);
    }
    for (Index l = 1; l <= setting.network.depth(); ++l)
      for (const Singles::Touch* t = second.begin; t < second.end; ++t)
        if (t->place >= singles.places().first(l) && t->place < singles.places().first(l + 1))
          total += std::min(one(t->place), std::abs(t->change)) * singles.steep()[at(l)](t->place - singles.places().first(l));
    return total;
  }

  /// What a pair gains when it is followed, and what of that may be another where a third one fails.
  double followed(Encounter& encounter, std::size_t a, std::size_t b) const {
    encounter.first(alone(a));
    const Encounter::Followed pair = encounter.follow(alone(b));
    Vector gained = Vector::Zero(setting.network.outputs());
    for (std::size_t n = 0; n < pair.outputs->at.size(); ++n) gained(pair.outputs->at[n]) = pair.outputs->value[n];
    return std::max(0.0, (rows * gained).maxCoeff()) + pair.moved + pair.meeting;
  }

  /// Of three failures, two pairs are followed.
  void thirds() const {
    const std::size_t count = singles.options().size();
    Encounter encounter(setting.network, singles);
    encounter.start(intact.pre);
    const Vector none = objectives({});
    for (std::size_t a = 0; a < count; ++a)
      for (std::size_t b = a + 1; b < count; ++b)
        for (std::size_t c = b + 1; c < count; ++c) {
          const double gained = (objectives({a, b, c}) - objectives({a}) - objectives({b}) - objectives({c}) + 2 * none).maxCoeff();
          const double most[] = {meeting(a, b), meeting(a, c), meeting(b, c)};
          const double less[] = {followed(encounter, a, b), followed(encounter, a, c), followed(encounter, b, c)};
          for (int n = 0; n < 3; ++n) CHECK(gained <= most[n] + less[(n + 1) % 3] + less[(n + 2) % 3] + rounding);
        }
  }
};

}  // namespace

int main() {
  for (const char* activation : {"relu", "tanh", "clip"})
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      const Setting s = setting({3, 4, 4, 3, 2}, activation, 1, seed);
      const Space space(s.network, {crash({3}, true)});
      const Laws laws(s, space);
      laws.beside();
      laws.thirds();
    }
  return 0;
}
