// SPDX-License-Identifier: MIT
#include "search/continuous/execution.hpp"

#include <algorithm>
#include <cmath>

#include "core/index.hpp"
#include "failure/effects.hpp"
#include "withstand/failed.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

/// A bound loses by how much the harm bends along an input, more than by how much it changes. Sigmoid network of 10 inputs,
/// all inputs, a crash: 7,169 nodes without, 4,713 once, 4,097 three times, 4,337 ten times, 6,031 fifty times.
constexpr double bends = 5;

/// A point as one vector of coordinates: inputs, then parameters.
double& coordinate(Execution::Point& point, Index n) {
  return n < point.input.size() ? point.input(n) : point.parameters[at(n - point.input.size())];
}

struct Ends {
  Vector lower, upper;
};

Ends ends(const std::vector<Restriction::Failed>& components, const Vector& lower, const Vector& upper) {
  const auto d = lower.size(), n = static_cast<Index>(components.size());
  Ends all{Vector(d + n), Vector(d + n)};
  all.lower.head(d) = lower;
  all.upper.head(d) = upper;
  for (Index c = 0; c < n; ++c) {
    all.lower(d + c) = components[at(c)].lower;
    all.upper(d + c) = components[at(c)].upper;
  }
  return all;
}

Execution::Point middle(const Ends& all, Index inputs) {
  Execution::Point point{Vector(inputs), std::vector<double>(at(all.lower.size() - inputs))};
  for (Index n = 0; n < all.lower.size(); ++n) {
    const double half = all.lower(n) + (all.upper(n) - all.lower(n)) / 2;
    coordinate(point, n) = std::min(std::max(half, all.lower(n)), all.upper(n));
  }
  return point;
}

}  // namespace

std::vector<Restriction::Failed> Execution::components(const Restriction& restriction) const {
  std::vector<Restriction::Failed> all = restriction.failed;
  std::vector<Site> struck, places;  // neurons and synapses of what failed
  for (const Restriction::Failed& failed : all) {
    places_of(net_, space_.terms()[failed.term], failed.site, places);
    struck.insert(struck.end(), places.begin(), places.end());
  }
  std::sort(struck.begin(), struck.end());
  for (std::size_t t = 0; t < space_.terms().size(); ++t) {
    const Space::Term& term = space_.terms()[t];
    if (is_counted(term.failure.effect)) continue;
    for (const auto& sites : term.sites)
      for (const Site& site : sites) {
        const double amplitude = amount(term.failure, site.layer);
        if (!std::binary_search(struck.begin(), struck.end(), site))
          all.push_back({site, t, -amplitude, amplitude});
      }
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.site < b.site; });
  return all;
}

std::vector<Failed> Execution::failed(const std::vector<Restriction::Failed>& components, const Point& point) const {
  std::vector<Failed> failed;
  for (std::size_t c = 0; c < components.size(); ++c) {
    const auto& [site, term, lower, upper] = components[c];
    const Failure& failure = space_.terms()[term].failure;
    const double weight = site.is_parameter() ? stored(net_, site) : 1;
    int way = 0;  // a cell that is stuck may hold what it is stuck at
    while (way + 1 < ways(failure) && !offers(failure, way, site, weight)) ++way;
    failed.push_back({site, term, way, point.parameters[c]});
  }
  return failed;
}

std::vector<Forced> Execution::forced(const std::vector<Restriction::Failed>& components, const Point& point) const {
  return forced_by(net_, space_, point.input, failed(components, point));
}

double Execution::harm(const std::vector<Restriction::Failed>& components, const Point& point) const {
  const Harm harm(net_, point.input, goal_);
  return harm(forward(net_, point.input, forced(components, point)));
}

Execution::Point Execution::middle(const std::vector<Restriction::Failed>& components, const Vector& lower,
                                   const Vector& upper) const {
  return search::middle(ends(components, lower, upper), lower.size());
}

Execution::Point Execution::climb(const std::vector<Restriction::Failed>& components, const Vector& lower,
                                  const Vector& upper, int rounds) const {
  const Ends all = ends(components, lower, upper);
  Point best = search::middle(all, lower.size());
  double reached = harm(components, best);
  const Vector slope = sensitivity(components, lower, upper);
  Point jump = best;
  for (Index n = 0; n < slope.size(); ++n)
    if (slope(n) != 0) coordinate(jump, n) = slope(n) > 0 ? all.upper(n) : all.lower(n);
  if (const double there = harm(components, jump); there > reached) best = jump, reached = there;
  for (int round = 0; round < rounds; ++round) {
    const double before = reached;
    for (Index n = 0; n < all.lower.size(); ++n) {
      if (all.lower(n) == all.upper(n)) continue;
      if (!goes_on()) return best;
      for (const double end : {all.lower(n), all.upper(n)}) {
        Point trial = best;
        coordinate(trial, n) = end;
        if (const double there = harm(components, trial); there > reached) best = trial, reached = there;
      }
    }
    if (reached == before) break;
  }
  return best;
}

Vector Execution::sensitivity(const std::vector<Restriction::Failed>& components, const Vector& lower,
                              const Vector& upper) const {
  const Ends all = ends(components, lower, upper);
  Vector change = Vector::Zero(all.lower.size());
  Point point = search::middle(all, lower.size());
  const double middle = harm(components, point);
  for (Index n = 0; n < change.size(); ++n) {
    if (all.lower(n) == all.upper(n)) continue;
    if (!goes_on()) break;
    const double kept = coordinate(point, n);
    coordinate(point, n) = all.upper(n);
    const double high = harm(components, point);
    coordinate(point, n) = all.lower(n);
    const double low = harm(components, point);
    const double bend = n < lower.size() ? bends * std::abs(high + low - 2 * middle) : 0;
    change(n) = high - low;
    change(n) += change(n) < 0 ? -bend : bend;
    coordinate(point, n) = kept;
  }
  return change;
}

}  // namespace withstand::search
