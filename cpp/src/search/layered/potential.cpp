// SPDX-License-Identifier: MIT
#include "search/layered/potential.hpp"

#include <algorithm>
#include <cmath>

#include "evaluate/ranges.hpp"
#include "kernels/kernels.hpp"

namespace withstand::search {
namespace {

constexpr double up = 1 + 0x1p-30;  ///< far more than what sums of terms of one sign are rounded by

/// Factors in front of an activation: any of its slopes, and 0 where the neuron has failed.
void through_activation(const Network& net, Index layer, const Reach& reach, Matrix& low, Matrix& high) {
  const auto l = static_cast<std::size_t>(layer);
  for (Index j = 0; j < low.cols(); ++j) {
    const double noise = reach.noise[l](j);
    const Interval slopes =
        local_slopes(net.activation(layer, j), {reach.lower[l](j) - noise, reach.upper[l](j) + noise});
    const double least = std::min(0.0, slopes.lower), most = std::max(0.0, slopes.upper);
    for (Index o = 0; o < low.rows(); ++o) {
      const double below = low(o, j), above = high(o, j);
      low(o, j) = std::min(below * most, above * least);
      high(o, j) = std::max(above * most, below * least);
    }
  }
}

/// Factors in front of a map whose row i holds the weights that leave neuron i.
void through_map(const Eigen::Map<const Matrix>& rows, Matrix& low, Matrix& high) {
  const Index receivers = low.cols();
  const Matrix positive = rows.leftCols(receivers).cwiseMax(0.0).transpose();
  const Matrix negative = rows.leftCols(receivers).cwiseMin(0.0).transpose();
  const Matrix below = low * positive + high * negative;
  high = high * positive + low * negative;
  low = below;
}

}  // namespace

bool Potential::holds(const Layered::Problem& problem, const Choices& choices) {
  const auto laid_out = [](const Columns::Layer& layer) { return layer.map == nullptr; };
  const auto neurons = [](const Choices::Stage& stage) { return !stage.synapses || (stage.options.empty() && stage.failed.empty()); };
  return problem.harm.by_objectives() && !choices.exactly() &&
         std::all_of(problem.columns.layers.begin() + 1, problem.columns.layers.end(), laid_out) &&
         std::all_of(choices.stages.begin(), choices.stages.end(), neurons);
}

double Potential::cost(const Layered::Problem& problem) {
  double weights = 0;
  for (const Columns::Layer& layer : problem.columns.layers) weights += static_cast<double>(layer.entries.size());
  return 4 * weights * static_cast<double>(problem.harm.rows().rows());
}

bool Potential::finite() const {
  const auto finite = [](const LineDoubles& values) {
    return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
  };
  return std::all_of(layers_.begin(), layers_.end(), [&](const Layer& at) {
    return finite(at.rise) && finite(at.fall) && finite(at.rounding) && std::isfinite(at.rounded);
  });
}

Potential::Potential(const Layered::Problem& problem) {
  const Network& net = problem.network;
  const Activation& psi = net.activation(net.layers());
  layers_.resize(static_cast<std::size_t>(net.layers()));
  Matrix low = problem.harm.rows(), high = low;
  for (Index l = net.layers(); l >= 1; --l) {
    const auto rows = problem.columns.layers[static_cast<std::size_t>(l)].rows();
    if (l < net.layers()) through_activation(net, l, *problem.reach, low, high);
    through_map(rows, low, high);
    if (l == net.layers()) {  // only here may terms cancel
      const Matrix room = 0x1p-45 * problem.harm.rows().cwiseAbs() * rows.leftCols(net.outputs()).cwiseAbs().transpose();
      low -= room;
      high += room;
    }
    const double steepest = up * (psi.identity() ? psi.gain() : psi.lipschitz());
    const Vector& noise = problem.reach->sent_noise[static_cast<std::size_t>(l - 1)];
    Layer& layer = layers_[static_cast<std::size_t>(l - 1)];
    const auto entries = static_cast<std::size_t>(padded(low.cols()));
    for (LineDoubles* values : {&layer.rise, &layer.fall, &layer.rounding}) values->assign(entries, 0);
    const auto of = [&](LineDoubles& values) { return Eigen::Map<Vector>(values.data(), low.cols()); };
    of(layer.rise) = steepest * high.colwise().maxCoeff().transpose().cwiseMax(0.0);
    of(layer.fall) = steepest * (-low).colwise().maxCoeff().transpose().cwiseMax(0.0);
    of(layer.rounding) = 2 * of(layer.rise).cwiseMax(of(layer.fall)).cwiseProduct(noise);
    layer.rounded = up * of(layer.rounding).sum();
  }
}

}  // namespace withstand::search
