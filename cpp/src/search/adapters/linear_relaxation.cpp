// SPDX-License-Identifier: MIT
#include "search/adapters/linear_relaxation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "withstand/linear.hpp"

namespace withstand::search {
namespace {

bool larger(const OptionGain& a, const OptionGain& b) {
  return a.value != b.value ? a.value > b.value : a.option.site < b.option.site;
}

class Linear : public Relaxation {
 public:
  Linear(const Network& net, const Space& space, const Choices& choices, const Harm& harm, ConstVectorRef input)
      : net_(net), space_(space), choices_(choices), harm_(harm), bound_(net, space, input, input) {
    const Activation& psi = net.activation(net.layers());
    for (Index l = 1; l <= net.depth(); ++l)
      if (!net.activation(l).piecewise_linear()) steps_ = 2;  // their lines take an order of magnitude longer to find
    splits_ = psi.identity() && psi.gain() == 1;
    for (const Space::Term& term : space.terms())  // of a receiver's synapses, only the best are in the table
      splits_ = splits_ && !on_synapses(term.failure.effect);
  }

  Result bound(const Decisions& decisions, const std::vector<Index>& objectives,
               const std::shared_ptr<const void>& hints, double enough) override;

 private:
  ObjectiveBound objective(const LinearResult& result, Index row, Index objective,
                           const std::vector<Site>& decided) const;

  const Network& net_;
  const Space& space_;
  const Choices& choices_;
  const Harm& harm_;
  LinearBound bound_;
  /// Without better lines, 8 of 512 crashes of a network with two layers of 256 took 100 times as many nodes at some
  /// inputs. More steps save few nodes; fewer where they have brought little so far lost, they also help the children.
  int steps_ = 5;
  bool splits_;  ///< the bound of an objective is its base and the gains of the failures
};

Relaxation::Result Linear::bound(const Decisions& decisions, const std::vector<Index>& objectives,
                                 const std::shared_ptr<const void>& hints, double enough) {
  Restriction restriction(space_);
  std::vector<Site> decided = decisions.alive;
  for (const Option& option : decisions.failed) {
    restriction.fail(space_, option.site, option.term);
    restriction.failed.back().lower = restriction.failed.back().upper = option.value;
    decided.push_back(option.site);
  }
  restriction.alive = decisions.alive;
  Matrix rows(static_cast<Index>(objectives.size()), net_.outputs());
  for (std::size_t n = 0; n < objectives.size(); ++n) rows.row(static_cast<Index>(n)) = harm_.rows().row(objectives[n]);
  std::sort(decided.begin(), decided.end());
  LinearEffort effort{steps_, Vector::Constant(rows.rows(), enough)};  // of deviations
  if (harm_.goal() == Goal::argmax) effort.enough -= rows * harm_.nominal();
  const LinearResult result = bound_(restriction, rows, static_cast<const LinearRanges*>(hints.get()), effort);
  Result bounds;
  for (std::size_t n = 0; n < objectives.size(); ++n)
    bounds.objectives.push_back(objective(result, static_cast<Index>(n), objectives[n], decided));
  bounds.hints = std::make_shared<const LinearRanges>(result.ranges);
  return bounds;
}

/// base + (largest gains) is the bound, so base is what remains without them.
ObjectiveBound Linear::objective(const LinearResult& result, Index row, Index objective,
                                 const std::vector<Site>& decided) const {
  ObjectiveBound bound{objective, harm_.goal() == Goal::error ? result.deviation(row) : result.faulty(row), {}, 0};
  double size = std::abs(bound.harm);
  bound.base = bound.harm;
  for (const Gain& gain : result.selected(row)) {
    bound.base -= gain.value;
    size += std::abs(gain.value);
  }
  bound.base += 1e-14 * size;
  if (!splits_ || !std::isfinite(bound.base)) bound.base = std::numeric_limits<double>::infinity();
  for (const Gain& gain : splits_ ? result.table(row) : result.gains(row)) {
    if (!std::isfinite(gain.value) || std::binary_search(decided.begin(), decided.end(), gain.site)) continue;
    const std::vector<Option>& options = choices_.stages[stage_of(gain.site)].options;
    auto option = std::lower_bound(options.begin(), options.end(), gain.site,
                                   [](const Option& o, const Site& site) { return o.site < site; });
    for (; option != options.end() && option->site == gain.site; ++option)
      if (option->term == gain.term) bound.gains.push_back({*option, gain.value});  // whatever the way
  }
  std::sort(bound.gains.begin(), bound.gains.end(), larger);
  return bound;
}

}  // namespace

std::unique_ptr<Relaxation> linear_relaxation(const Network& net, const Space& space, const Choices& choices,
                                              const Harm& harm, ConstVectorRef input) {
  return std::make_unique<Linear>(net, space, choices, harm, input);
}

double cost_of_linear(const Network& net) { return LinearBound::cost(net); }

}  // namespace withstand::search
