// SPDX-License-Identifier: MIT
#include "search/adapters/linear_boxes.hpp"

#include <algorithm>
#include <utility>

#include "core/rounding.hpp"
#include "evaluate/objectives.hpp"
#include "evaluate/ranges.hpp"
#include "withstand/decided.hpp"
#include "withstand/linear.hpp"

namespace withstand::search {
namespace {

struct Ranges : BoxRelaxation::Proved {
  explicit Ranges(LinearRanges proved) : all(std::move(proved)) {}
  const std::vector<LayerRange>& receivers() const override { return all.faulty; }
  LinearRanges all;
};

struct Decided : BoxRelaxation::Proved {
  Decided(DecidedState proved, Matrix objectives) : state(std::move(proved)), rows(std::move(objectives)) {}
  const std::vector<LayerRange>& receivers() const override { return state.faulty; }
  DecidedState state;
  Matrix rows;  ///< of all objectives, of whatever box they were first told
};

/// What is maximised over a box: errors up and down, or every lead over an output that may be the intact class.
Matrix objectives(const Network& net, Goal goal, const LayerRange& outputs) {
  const Index m = net.outputs();
  if (goal == Goal::error) return error_rows(m);
  const Activation& psi = net.activation(net.layers());
  const auto values = [&](Index k) { return values_over(psi, {outputs.lower(k), outputs.upper(k)}); };
  double most = -infinity;  // some class has at least this much
  if (psi.nondecreasing()) most = below(psi, outputs.lower.maxCoeff());  // in its last digit a smooth one need not be
  for (Index k = 0; k < m && !psi.nondecreasing(); ++k) most = std::max(most, values(k).lower);
  std::vector<std::pair<Index, Index>> leads;
  for (Index c = 0; c < m; ++c)
    for (Index j = 0; j < m; ++j)
      if (j != c && values(c).upper >= most) leads.emplace_back(j, c);
  return lead_rows(leads, m);
}

class LinearBox : public BoxRelaxation {
 public:
  LinearBox(const Network& net, const Space& space, Goal goal, const Vector& lower, const Vector& upper)
      : net_(net), space_(space), goal_(goal), prepared_(net, space, lower, upper), decided_(prepared_),
        decides_(lower != upper && DecidedBound::applies(net, space)),
        rows_(objectives(net, goal, prepared_.nominal().back())) {}

  bool decides() const override { return decides_; }

  Result bound(const Restriction& restriction, const Proved* known, Index objective, double enough) const override {
    if (objective >= 0 || (decides_ && decided_.decided(restriction)))
      return decided(restriction, known, objective, enough);
    LinearBound linear(prepared_);  // it owns scratch memory, which threads cannot share
    const LinearRanges* before = known != nullptr ? &static_cast<const Ranges*>(known)->all : nullptr;
    LinearResult found = linear(restriction, rows_, before);
    Index worst = 0;
    Result result;
    result.harm = (goal_ == Goal::error ? found.deviation : found.faulty).maxCoeff(&worst);
    if (result.harm <= enough) return result;
    for (const Gain& gain : found.selected(worst)) result.selected.push_back({gain.site, gain.term});
    if (result.selected.empty()) {
      std::vector<Gain> gains = found.table(worst);
      std::stable_sort(gains.begin(), gains.end(), [](const Gain& a, const Gain& b) { return std::abs(a.value) > std::abs(b.value); });
      for (const Gain& gain : gains)  // the table has columns of neurons that may not fail
        if (space_.terms()[gain.term].has(gain.site)) result.undecided.push_back({gain.site, gain.term});
    }
    result.proved = std::make_shared<const Ranges>(std::move(found.ranges));
    return result;
  }

 private:
  Result decided(const Restriction& restriction, const Proved* known, Index objective, double enough) const;

  const Network& net_;
  const Space& space_;
  Goal goal_;
  LinearBound prepared_;
  DecidedBound decided_;
  bool decides_;
  Matrix rows_;
};

/// All objectives first, then each that is open.
BoxRelaxation::Result LinearBox::decided(const Restriction& restriction, const Proved* known, Index objective,
                                         double enough) const {
  const bool values = goal_ == Goal::argmax;
  Result result;
  if (objective < 0) {
    const LinearRanges* before = known != nullptr ? &static_cast<const Ranges*>(known)->all : nullptr;
    DecidedResult found = decided_.first(restriction, rows_, values, before);
    result.harm = found.bounds.maxCoeff();
    for (Index r = 0; r < rows_.rows(); ++r) {
      if (found.bounds(r) > enough) result.objectives.emplace_back(r, found.bounds(r));
      else result.others = std::max(result.others, found.bounds(r));
    }
    result.proved = std::make_shared<const Decided>(std::move(found.state), rows_);
    return result;
  }
  const auto& before = static_cast<const Decided&>(*known);
  const Vector row = before.rows.row(objective).transpose();
  DecidedResult found = decided_.next(restriction, row, values, before.state, enough);
  result.harm = found.bounds(0);
  result.pieces = std::move(found.pieces);
  result.input = std::move(found.input);
  result.proved = std::make_shared<const Decided>(std::move(found.state), before.rows);
  return result;
}

}  // namespace

BoxRelaxations linear_boxes(const Network& net, const Space& space, Goal goal) {
  return {[&net, &space, goal](const Vector& lower, const Vector& upper) {
            return std::make_shared<const LinearBox>(net, space, goal, lower, upper);
          },
          LinearBound::cost(net)};
}

}  // namespace withstand::search
