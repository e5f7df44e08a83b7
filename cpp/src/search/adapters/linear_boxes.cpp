// SPDX-License-Identifier: MIT
#include "search/adapters/linear_boxes.hpp"

#include <algorithm>
#include <utility>

#include "core/rounding.hpp"
#include "evaluate/objectives.hpp"
#include "evaluate/ranges.hpp"
#include "withstand/linear.hpp"

namespace withstand::search {
namespace {

struct Ranges : BoxRelaxation::Proved {
  explicit Ranges(LinearRanges proved) : all(std::move(proved)) {}
  const std::vector<LayerRange>& receivers() const override { return all.faulty; }
  LinearRanges all;
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
      : net_(net), goal_(goal), prepared_(net, space, lower, upper) {}

  Result bound(const Restriction& restriction, const Proved* known, double enough) const override {
    LinearBound linear(prepared_);  // it owns scratch memory, which threads cannot share
    const LinearRanges* before = known != nullptr ? &static_cast<const Ranges*>(known)->all : nullptr;
    LinearResult found = linear(restriction, objectives(net_, goal_, prepared_.nominal().back()), before);
    Index worst = 0;
    Result result;
    result.harm = (goal_ == Goal::error ? found.deviation : found.faulty).maxCoeff(&worst);
    if (result.harm <= enough) return result;
    for (const Gain& gain : found.selected(worst)) result.selected.push_back({gain.site, gain.term});
    result.proved = std::make_shared<const Ranges>(std::move(found.ranges));
    return result;
  }

 private:
  const Network& net_;
  Goal goal_;
  LinearBound prepared_;
};

}  // namespace

BoxRelaxations linear_boxes(const Network& net, const Space& space, Goal goal) {
  return {[&net, &space, goal](const Vector& lower, const Vector& upper) {
            return std::make_shared<const LinearBox>(net, space, goal, lower, upper);
          },
          LinearBound::cost(net)};
}

}  // namespace withstand::search
