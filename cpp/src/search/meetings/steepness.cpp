// SPDX-License-Identifier: MIT
#include "search/meetings/steepness.hpp"

#include <algorithm>
#include <limits>

#include "evaluate/ranges.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

constexpr double room = 1 + 1e-9;  ///< for the rounding of all sums here

/// What the objectives can gain per unit of each neuron of a layer: a row per neuron, a column per objective.
struct Weights {
  Matrix low, high;
};

/// From signals to pre-activations: times any slope of a secant, and 0 where the neuron may have failed.
void through(const Network& net, Index layer, bool may_fail, Weights& weights) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Interval slopes = local_slopes(net.activation(layer), {-infinity, infinity});
  if (may_fail) slopes = {std::min(slopes.lower, 0.0), std::max(slopes.upper, 0.0)};
  auto low = weights.low.topRows(net.own(layer)).array(), high = weights.high.topRows(net.own(layer)).array();
  const Eigen::ArrayXXd least = (slopes.lower * low).min(slopes.upper * low).min((slopes.lower * high).min(slopes.upper * high));
  high = (slopes.lower * low).max(slopes.upper * low).max((slopes.lower * high).max(slopes.upper * high)).eval();
  low = least;
}

/// From pre-activations to the signals of the layer before.
Weights before(const Affine& map, const Weights& weights) {
  Weights sent{Matrix::Zero(map.cols(), weights.low.cols()), Matrix::Zero(map.cols(), weights.low.cols())};
  Terms terms;
  for (Index j = 0; j < map.rows(); ++j) {
    map.terms_of_row(j, terms);
    for (Index t = 0; t < terms.size; ++t) {
      const Index i = terms.sender(t);
      const double w = terms.weight[t];
      sent.low.row(i) += w * (w > 0 ? weights.low : weights.high).row(j);
      sent.high.row(i) += w * (w > 0 ? weights.high : weights.low).row(j);
    }
  }
  return sent;
}

}  // namespace

std::vector<Vector> steepness(const Network& net, const Matrix& objectives, const Choices& choices, Index lowest) {
  std::vector<Vector> steep(static_cast<std::size_t>(net.layers()));
  Weights weights{objectives.transpose(), objectives.transpose()};
  for (Index l = net.depth(); l >= lowest; --l) {
    interruption_point();
    weights = before(net.map(l + 1), weights);
    steep[static_cast<std::size_t>(l)] = room * weights.high.cwiseMax(-weights.low).rowwise().maxCoeff();
    if (l > lowest) through(net, l, !choices.stages[neuron_stage(l)].options.empty(), weights);
  }
  return steep;
}

}  // namespace withstand::search
