// SPDX-License-Identifier: MIT
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "core/rounding.hpp"
#include "problem.hpp"
#include "evaluate/ranges.hpp"
#include "failure/effects.hpp"

namespace withstand::enumerate {
namespace {

constexpr double largest = 1e140;  // squares of errors stay far from overflow

void require(bool holds, Index layer, const char* what) {
  if (holds) return;
  std::ostringstream message;
  message << "layer " << layer << ": " << what << ", so that squares of errors might overflow; scale the network, its "
          << "inputs or what failures transmit down";
  throw std::overflow_error(message.str());
}

/// Largest magnitude that a failed component of a layer may be held at.
double forced_magnitude(const Grid& grid, Index layer) {
  double magnitude = 0;
  for (const Space::Term& term : grid.space().terms()) {
    if (grid.plain() || on_synapses(term.failure.effect) || on_parameters(term.failure.effect)) continue;
    const bool strikes = term.grouped() ? !term.sites.empty() : !term.sites[static_cast<std::size_t>(layer)].empty();
    if (strikes) magnitude = std::max(magnitude, largest_sent(term.failure, layer));
  }
  for (const Grid::Stage& stage : grid.stages())
    if (stage.layer == layer)
      for (std::size_t m = 0; m < grid.manners().size(); ++m)
        magnitude = std::max(magnitude, std::abs(grid.value(m)));
  return magnitude;
}

/// By how many times a signal failed parameters of a layer raise a sum of products, beyond what the intact ones make.
double growth(const Grid& grid, Index layer, Index senders) {
  double sum = 0;
  for (const Space::Term& term : grid.space().terms())
    if (on_parameters(term.failure.effect))
      sum += static_cast<double>(std::min(term.most(layer), senders + 1)) * term.struck[static_cast<std::size_t>(layer)].value;
  return sum;
}

/// |W| times every row.
Matrix through(const Affine& map, const Matrix& rows) {
  const Matrix columns = rows.transpose();
  Matrix sums = Matrix::Zero(map.rows(), columns.cols());
  map.absolute_multiply_add(columns.cols(), columns.data(), columns.cols(), sums.data(), sums.cols());
  return sums.transpose();
}

}  // namespace

Vector rounding_bounds(const Network& net, const Grid& grid, const Matrix& inputs) {
  // Operations behind one number: whole rows, a handful per failure, and (composed maps) the rows of earlier layers.
  double operations = 64;
  if (net.is_dense())
    for (Index l = 0; l <= net.layers(); ++l) operations += static_cast<double>(net.width(l));
  for (Index l = 1; l <= net.layers() && !net.is_dense(); ++l) operations += static_cast<double>(net.map(l).facts().terms) + 8;
  operations += 8.0 * (grid.classes().empty() ? 0 : grid.classes().back().failures);

  Matrix magnitude = inputs.cwiseAbs().cwiseMax(forced_magnitude(grid, 0));  // a row per input
  Matrix error;
  for (Index l = 1; l <= net.layers(); ++l) {
    const Activation& phi = net.activation(l);
    Matrix sums = (through(net.map(l), magnitude).rowwise() + net.bias(l).cwiseAbs().transpose()) * (1 + 1e-9);
    sums.colwise() += growth(grid, l, net.width(l - 1)) * (1 + 1e-9) * magnitude.rowwise().maxCoeff().cwiseMax(1.0);
    require(sums.maxCoeff() * phi.gain() < largest, l, "a sum of products of the failed network may exceed 1e140");
    Matrix before = 16 * operations * unit_roundoff * sums;
    if (l > 1) before += through(net.map(l), error);  // inputs are exact
    if (l > 1) before.colwise() += growth(grid, l, net.width(l - 1)) * error.rowwise().maxCoeff();
    const double forced = forced_magnitude(grid, l);
    const Index own = net.own(l), wires = net.width(l) - own;
    magnitude = sums.unaryExpr([&](double sum) { return std::max(largest_image(phi, sum), forced); });
    magnitude.rightCols(wires) = sums.rightCols(wires);
    const double scale = !phi.piecewise_linear() && phi.has_slope() ? 1 + phi.slope() : 1;
    error = (phi.lipschitz() * before).array() + 16 * unit_roundoff * (scale + magnitude.array());
    error.rightCols(wires) = before.rightCols(wires);
    require((16 * error).allFinite(), l, "the rounding of a value has no finite bound");
  }
  return error.rowwise().maxCoeff() + 8 * unit_roundoff * magnitude.rowwise().maxCoeff();
}

Vector harms(const Problem& problem, Index input, const Vector& outputs) {
  const auto at = static_cast<std::size_t>(input);
  if (!problem.question.decisions) return (outputs - problem.nominal[at].post.back()).cwiseAbs();
  const Index c = problem.decision[at];
  Vector harm = outputs.array() - outputs(c);
  harm(c) = -std::numeric_limits<double>::infinity();
  return harm;
}

}  // namespace withstand::enumerate
