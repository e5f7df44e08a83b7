// SPDX-License-Identifier: MIT
#include "search/points.hpp"

#include <algorithm>
#include <cmath>

#include "search/adapters/linear_relaxation.hpp"
#include "search/conclusion.hpp"
#include "evaluate/ranges.hpp"
#include "evaluate/tie.hpp"
#include "search/layered/reach.hpp"
#include "core/rounding.hpp"

namespace withstand::search {
namespace {

/// Largest harm that output pre-activations in a range allow, the noise of a harm between two evaluations (or one and
/// real arithmetic), and the error of precise ones.
struct Ceiling {
  double harm;
  double noise;
  double error;
};

Ceiling ceiling(const Network& net, const Harm& harm, const Reach& at) {
  const auto out = static_cast<std::size_t>(net.layers());
  const Activation& psi = net.activation(net.layers());
  Ceiling result{-infinity, 0, 0};
  Vector lower = at.lower[out].unaryExpr([&](double s) { return psi(s); });
  Vector upper = at.upper[out].unaryExpr([&](double s) { return psi(s); });
  for (Index k = 0; k < net.outputs() && !psi.nondecreasing(); ++k) {
    const Interval values = values_over(psi, {at.lower[out](k), at.upper[out](k)});
    lower(k) = values.lower, upper(k) = values.upper;
  }
  for (Index k = 0; k < net.outputs(); ++k) {
    if (harm.goal() == Goal::error)
      result.harm = std::max({result.harm, upper(k) - harm.nominal()(k), harm.nominal()(k) - lower(k)});
    else if (k != harm.chosen())
      result.harm = std::max(result.harm, upper(k) - lower(harm.chosen()));
  }
  const double largest = std::max(lower.cwiseAbs().maxCoeff(), upper.cwiseAbs().maxCoeff());
  if (!at.exact) {
    result.noise = 2 * at.output_noise + 0x1p-48 * largest;  // and of the subtraction
    result.error = 2 * at.output_error + 0x1p-96 * largest;
  }
  result.harm += result.noise;
  if (!std::isfinite(result.noise)) result.noise = infinity;  // an overflow: replay everything, believe nothing
  if (std::isnan(result.harm)) result.harm = infinity;
  return result;
}

/// Components whose failure changes something in the intact network, without those of the last hidden layer and the
/// outputs' synapses, which a selection closes.
double live_components(const Network& net, const Choices& choices, const Trace& intact) {
  double live = 0;
  for (std::size_t s = 0; s < neuron_stage(net.depth()); ++s)
    for (const Option& o : choices.stages[s].options) live += changes(o, intact) ? 1 : 0;
  return live;
}

}  // namespace

/// What the search at one input shares between workers.
struct Points::Point {
  Vector input;
  Trace intact;
  Harm harm;
  Reach reach;
  Ceiling top;
  std::unique_ptr<Precise> precise;
};

Points::Points(const Network& net, const Space& space, const Domain& domain, Goal goal, const Choices& choices,
               Incumbent& incumbent)
    : net_(net), space_(space), domain_(domain), goal_(goal), choices_(choices), incumbent_(incumbent), columns_(net),
      points_(static_cast<std::size_t>(domain.size())) {}
Points::~Points() = default;

BranchBound::Row Points::prepare(std::size_t n) {
  const auto index = static_cast<Index>(n);
  std::unique_ptr<Point>& kept = points_[n];
  if (!kept) {
    const Vector x = domain_.lower.row(index).transpose();
    kept = std::make_unique<Point>(Point{x, trace(net_, x), Harm(net_, x, goal_), reach(net_, x, x, choices_), {}, nullptr});
    kept->top = ceiling(net_, kept->harm, kept->reach);
    if (kept->top.noise > 0)
      kept->precise = std::make_unique<Precise>(net_, kept->harm, kept->input, kept->top.noise, kept->top.error);
    if (space_.at_most()) incumbent_.offer(net_, kept->harm, kept->input, index, {}, kept->precise.get());
  }
  return {{net_, columns_, kept->harm, kept->input, index, &kept->reach, kept->precise.get()}, kept->top.noise, kept->top.harm,
          scale_of(net_, kept->intact), live_components(net_, choices_, kept->intact)};
}

std::unique_ptr<Relaxation> Points::relaxation(std::size_t n) const {
  return linear_relaxation(net_, space_, choices_, points_[n]->harm, points_[n]->input);
}

double Points::outputs() const {
  Outputs outputs;
  for (const auto& point : points_)
    if (point) outputs.include(point->intact);
  return outputs.size();
}

}  // namespace withstand::search
