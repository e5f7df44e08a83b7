// SPDX-License-Identifier: MIT
#include "bounds/split.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

#include "bounds/table.hpp"
#include "core/rounding.hpp"
#include "evaluate/executions.hpp"
#include "evaluate/precise.hpp"
#include "evaluate/tie.hpp"
#include "failure/effects.hpp"
#include "withstand/linear.hpp"

namespace withstand::bounds {
namespace {

constexpr double allowance = Problem::patience;
/// Those of executions are done many at a time, several times as fast as others.
constexpr double batched = 0.4;

/// A row of objectives: the outputs that it looks at.
struct Sparse {
  std::vector<Index> at;
  std::vector<double> factor;
};

std::vector<Sparse> sparse(const Matrix& rows) {
  std::vector<Sparse> all(static_cast<std::size_t>(rows.rows()));
  for (Index r = 0; r < rows.rows(); ++r)
    for (Index k = 0; k < rows.cols(); ++k)
      if (rows(r, k) != 0) {
        all[static_cast<std::size_t>(r)].at.push_back(k);
        all[static_cast<std::size_t>(r)].factor.push_back(rows(r, k));
      }
  return all;
}

/// The largest values of rows, and the sets of failures that do most to any of them.
class Worst {
 public:
  /// Of row * (outputs - reference).
  Worst(const Matrix& rows, Vector reference, const Vector& intact) : rows_(sparse(rows)), reference_(std::move(reference)) {
    values_ = rows * (intact - reference_);
  }

  void see(const Executions::Seen& seen) {
    Eigen::RowVectorXd harm = Eigen::RowVectorXd::Constant(seen.outputs.cols(), -infinity), value;
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      const Sparse& row = rows_[r];
      value.setZero(harm.size());
      for (std::size_t t = 0; t < row.at.size(); ++t)
        value.array() += row.factor[t] * (seen.outputs.row(row.at[t]).array() - reference_(row.at[t]));
      double& largest = values_(static_cast<Index>(r));
      largest = std::max(largest, value.maxCoeff());
      harm = harm.cwiseMax(value);
    }
    for (Index c = 0; c < harm.size(); ++c)
      if (leaders_.size() <= leading || harm(c) > leaders_.back().harm) lead({harm(c), seen.failed(c)});
  }

  const Vector& values() const { return values_; }

  /// By how much they may be off those in real arithmetic or of the canonical evaluation, if outputs may be off by `error`:
  /// of two executions (`both`) or one.
  Vector rounding(const Vector& error, const Vector& magnitude, bool both) const {
    Vector all = Vector::Zero(values_.size());
    for (std::size_t r = 0; r < rows_.size(); ++r)
      for (std::size_t t = 0; t < rows_[r].at.size(); ++t) {
        const Index k = rows_[r].at[t];
        const double own = 4 * static_cast<double>(rows_[r].at.size() + 2) * unit_roundoff * magnitude(k);
        all(static_cast<Index>(r)) += 2 * std::abs(rows_[r].factor[t]) * ((both ? 2 : 1) * error(k) + own) * (1 + 1e-9);
      }
    return all;
  }

  /// The harm of the leaders, measured one by one, or what rounding leaves to the next of them where that is more. It bounds
  /// every row that is part of this harm.
  double closely(const std::function<double(const std::vector<Forced>&)>& measure, double rounding) const {
    double most = measure({});  // nothing fails
    for (std::size_t n = 0; n < leaders_.size() && add_up(leaders_[n].harm, rounding) > most; ++n)
      most = std::max(most, n < leading ? measure(leaders_[n].failed) : add_up(leaders_[n].harm, rounding));
    return most;
  }

  /// Whether a row is by how much another output leads over this one.
  bool over(Index row, Index output) const {
    const Sparse& of = rows_[static_cast<std::size_t>(row)];
    for (std::size_t t = 0; t < of.at.size(); ++t)
      if (of.at[t] == output) return of.factor[t] == -1;
    return false;
  }

 private:
  static constexpr std::size_t leading = 32;  ///< and one more, which bounds the others
  struct Leader {
    double harm;
    std::vector<Forced> failed;
  };

  void lead(Leader leader) {
    const auto place = std::upper_bound(leaders_.begin(), leaders_.end(), leader,
                                        [](const Leader& a, const Leader& b) { return a.harm > b.harm; });
    leaders_.insert(place, std::move(leader));
    if (leaders_.size() > leading + 1) leaders_.pop_back();
  }

  std::vector<Sparse> rows_;
  Vector reference_, values_;
  std::vector<Leader> leaders_;  // the largest harm first
};

/// Everything in front of the last one that failed works.
void spare_earlier(const Space& space, Restriction& restriction) {
  const Site last = restriction.failed.back().site;
  for (const Space::Term& term : space.terms())
    for (const std::vector<Site>& layer : term.sites)
      for (const Site& site : layer)
        if (site < last) restriction.alive.push_back(site);
  std::vector<Site>& alive = restriction.alive;
  std::sort(alive.begin(), alive.end());
  alive.erase(std::unique(alive.begin(), alive.end()), alive.end());
  for (const Restriction::Failed& failed : restriction.failed)
    alive.erase(std::remove(alive.begin(), alive.end(), failed.site), alive.end());
}

/// So many failures are tried: all that there may be, or the first ones, or none.
Index depth_of(const Problem& p) {
  const Index most = Executions::most(p.space);
  const Trace intact = trace(p.net, p.nominal->lower[0]);
  const std::vector<double> live = Executions::components(p.net, p.space, &intact);
  if (Executions::cost(p.net, p.space, live, most).products <= p.work) return most;
  const std::vector<double> all = Executions::components(p.net, p.space, nullptr);
  Index depth = 0;
  for (; depth + 1 < most; ++depth) {
    const Executions::Cost cost = Executions::cost(p.net, p.space, all, depth + 1);
    if (!(cost.products + cost.sets * recipe(Method::linear).cost(p.net, p.space) <= p.work)) break;
  }
  return depth;
}

/// Rounding leaves little open where the worst sets are evaluated with twice the digits, and canonically: no witness is above.
void look_closely(const Problem& p, const Executions& executions, const Executions::Rounding& error, const Worst& worst,
                  double rounding, bool faulty, Vector& bounds) {
  const Harm harm(p.net, executions.intact().post.front(), faulty ? Goal::argmax : Goal::error);
  const double off = 2 * error.precise.maxCoeff() + 0x1p-96 * executions.largest().maxCoeff();
  const Precise precise(p.net, harm, executions.intact().post.front(), rounding, off);
  const double most = worst.closely(
      [&](const std::vector<Forced>& failed) {
        return std::max(precise.above(failed), harm(forward(p.net, executions.intact(), failed)));
      },
      rounding);
  for (Index r = 0; r < bounds.size(); ++r)
    if (!faulty || worst.over(r, harm.chosen())) bounds(r) = std::min(bounds(r), most);
}

}  // namespace

bool tries_failures(const Problem& p) { return depth_of(p) > 0; }

bool splits(const Space& space) {
  return space.plain() && space.finite() && std::none_of(space.terms().begin(), space.terms().end(), [](const auto& term) {
    return on_synapses(term.failure.effect) || !is_counted(term.failure.effect);
  });
}

double cost_of_split(const Network& net, const Space& space, double relaxed) {
  if (!splits(space)) return 0;
  const Executions::Cost cost =
      Executions::cost(net, space, Executions::components(net, space, nullptr), Executions::most(space));
  return batched * std::min(cost.products, allowance) + (cost.products > allowance ? std::max(relaxed, allowance) : 0);
}

Vector split_rows(const Problem& p, const Matrix& rows, bool faulty) {
  const Index depth = depth_of(p);
  return depth == 0 ? linear_rows(p, rows, faulty) : split_rows(p, rows, faulty, depth);
}

Vector split_rows(const Problem& p, const Matrix& rows, bool faulty, Index depth) {
  const Vector input = p.nominal->lower[0];
  const Index most = Executions::most(p.space);
  Executions executions(p.net, p.space, input, depth, depth == most);
  const Vector& intact = executions.intact().post.back();
  Worst worst(rows, faulty ? Vector(Vector::Zero(intact.size())) : intact, intact);
  Vector rest = Vector::Constant(rows.rows(), -infinity);
  LinearBound linear(p.net, p.space, input, input);
  const auto bound_rest = [&](const Restriction& failed) {
    Restriction left = failed;
    spare_earlier(p.space, left);
    const LinearResult found = linear(left, rows, nullptr, {5, faulty ? Vector() : Vector(rest.cwiseMax(worst.values()))});
    rest = rest.cwiseMax(faulty ? found.faulty : found.deviation);
  };
  executions.run([&](const Executions::Seen& seen) { worst.see(seen); },
                 depth == most ? Executions::Reached() : bound_rest);
  const Executions::Rounding error = executions.rounding();
  if (!executions.any() && error.certain && !faulty) return Vector::Zero(rows.rows());  // nothing that fails changes anything
  const Vector rounding = worst.rounding(error.doubles, executions.largest(), !faulty);
  Vector bounds(rows.rows());
  for (Index r = 0; r < rows.rows(); ++r) bounds(r) = add_up(worst.values()(r), rounding(r));
  if (depth == most && error.certain) look_closely(p, executions, error, worst, rounding.maxCoeff(), faulty, bounds);
  const double scale = scale_of(p.net, executions.intact());
  for (double& bound : bounds) bound = add_up(bound, 2 * tie(bound, scale));  // what is equal to a search is no more here
  bounds = bounds.cwiseMax(rest);
  if (depth < most) bounds = bounds.cwiseMin(linear_rows(p, rows, faulty));  // whose lines may happen to be better
  return bounds.unaryExpr([](double bound) { return std::isnan(bound) ? infinity : bound; });
}

}  // namespace withstand::bounds
