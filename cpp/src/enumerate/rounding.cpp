// SPDX-License-Identifier: MIT
#include <algorithm>
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

/// Failed parameters that one receiver of a layer hears: so many weights or biases of each term.
struct Strikes {
  struct Of {
    double count, weight, bias;
  };
  std::vector<Of> terms;

  /// How far they raise a sum of products, where no signal is larger, beyond what the intact ones make.
  double raise(double signal) const {
    double sum = 0;
    for (const Of& of : terms) sum += of.count * std::max(of.weight * signal, of.bias);
    return sum;
  }
  /// By how many times they raise the error of a signal: a bias multiplies none.
  double times() const {
    double sum = 0;
    for (const Of& of : terms) sum += of.count * of.weight;
    return sum;
  }
};

Strikes strikes(const Grid& grid, Index layer, Index senders, Index total) {
  Strikes found;
  for (const Space::Term& term : grid.space().terms()) {
    if (!on_parameters(term.failure.effect)) continue;
    const Index count = std::min({term.most(layer), senders + 1, total});
    const Space::Term::Struck& struck = term.struck[static_cast<std::size_t>(layer)];
    found.terms.push_back({static_cast<double>(count), struck.weight, struck.bias});
  }
  return found;
}

/// |W| times every row.
Matrix through(const Affine& map, const Matrix& rows) {
  const Matrix columns = rows.transpose();
  Matrix sums = Matrix::Zero(map.rows(), columns.cols());
  map.absolute_multiply_add(columns.cols(), columns.data(), columns.cols(), sums.data(), sums.cols());
  return sums.transpose();
}

/// Failures that are shared by all layers, where following each number of them apart is worth it; 0: every layer is
/// taken to have as many as it can.
Index shared(const Grid& grid) {
  constexpr Index few = 8;
  const Space::Term& term = grid.space().terms().front();
  if (grid.space().terms().size() > 1 || !term.failure.total || !on_parameters(term.failure.effect)) return 0;
  const Index total = term.failure.counts.front();
  return total <= few ? total : 0;
}

/// Operations behind one number: whole rows, a handful per failure, and (composed maps) the rows of earlier layers.
double operations_of(const Network& net, const Grid& grid) {
  double operations = 64;
  if (net.is_dense())
    for (Index l = 0; l <= net.layers(); ++l) operations += static_cast<double>(net.width(l));
  for (Index l = 1; l <= net.layers() && !net.is_dense(); ++l) operations += static_cast<double>(net.map(l).facts().terms) + 8;
  return operations + 8.0 * (grid.classes().empty() ? 0 : grid.classes().back().failures);
}

/// What a layer transmits, or what arrives of it at the next one, a row per input: largest magnitudes, and what they may be
/// off by.
struct Values {
  Matrix magnitude, error;
};

/// The largest |s| at which an activation moves.
double moves_up_to(const Activation& phi) {
  const Pieces& p = phi.pieces();
  const bool flat = phi.piecewise_linear() && p.corners > 0 && p.slope[0] == 0 && p.slope[p.corners] == 0;
  return flat ? (std::max(std::abs(p.corner[0]), std::abs(p.corner[p.corners - 1])) + p.rounded) / phi.gain() : infinity;
}

/// What the operations round that failed parameters take part in, a handful: they are added to sums that are made. A
/// single one cancels no other; so where the activation still moves, it is no larger than that and all the intact ones.
Matrix disturbed(const Activation& phi, const Strikes& struck, const Matrix& sums, const Vector& raised, Index own) {
  double failures = 0;
  for (const Strikes::Of& of : struck.terms) failures += of.count;
  Matrix most = raised.replicate(1, sums.cols());
  if (failures <= 1) most.leftCols(own) = most.leftCols(own).array().min(sums.leftCols(own).array() + moves_up_to(phi));
  return (16 + 8 * failures) * 16 * unit_roundoff * most;
}

/// The intact sums of a layer, and the errors of the signals in them.
Values received(const Network& net, Index l, const Values& sent) {
  Values sums{(through(net.map(l), sent.magnitude).rowwise() + net.bias(l).cwiseAbs().transpose()) * (1 + 1e-9), {}};
  sums.error = l > 1 ? through(net.map(l), sent.error) : Matrix::Zero(sums.magnitude.rows(), sums.magnitude.cols());
  return sums;  // inputs are exact
}

/// What the layer transmits where so many of its parameters fail that hear what was sent.
Values transmitted(const Network& net, const Grid& grid, Index l, double operations, const Strikes& struck, const Values& sent,
                   const Values& intact) {
  const Activation& phi = net.activation(l);
  const Vector raised = sent.magnitude.rowwise().maxCoeff().unaryExpr([&](double signal) { return struck.raise(signal); });
  Matrix before = 16 * operations * unit_roundoff * intact.magnitude + intact.error;
  before += disturbed(phi, struck, intact.magnitude, raised, net.own(l));
  if (l > 1) before.colwise() += struck.times() * sent.error.rowwise().maxCoeff();
  const Matrix sums = intact.magnitude.colwise() + (1 + 1e-9) * raised;
  require(sums.maxCoeff() * phi.gain() < largest, l, "a sum of products of the failed network may exceed 1e140");
  const double forced = forced_magnitude(grid, l);
  const Index own = net.own(l), wires = net.width(l) - own;
  Values out;
  out.magnitude = sums.unaryExpr([&](double sum) { return std::max(largest_image(phi, sum), forced); });
  out.magnitude.rightCols(wires) = sums.rightCols(wires);
  const double scale = !phi.piecewise_linear() && phi.has_slope() ? 1 + phi.slope() : 1;
  out.error = (phi.lipschitz() * before).array() + 16 * unit_roundoff * (scale + out.magnitude.array());
  out.error.rightCols(wires) = before.rightCols(wires);
  require((16 * out.error).allFinite(), l, "the rounding of a value has no finite bound");
  return out;
}

}  // namespace

Vector rounding_bounds(const Network& net, const Grid& grid, const Matrix& inputs) {
  const double operations = operations_of(net, grid);
  const auto total = static_cast<std::size_t>(shared(grid));
  const Values given{inputs.cwiseAbs().cwiseMax(forced_magnitude(grid, 0)), {}};
  std::vector<Values> sent(total + 1, given);  // where at most so many have failed so far
  for (Index l = 1; l <= net.layers(); ++l) {
    const Index most = net.width(l - 1) + 1;
    std::vector<Values> intact, next;
    for (const Values& values : sent) intact.push_back(received(net, l, values));
    for (std::size_t used = 0; used <= total; ++used)
      for (std::size_t here = 0; here <= used; ++here) {
        const Strikes struck = strikes(grid, l, net.width(l - 1), total == 0 ? most : static_cast<Index>(here));
        Values found = transmitted(net, grid, l, operations, struck, sent[used - here], intact[used - here]);
        if (here == 0) next.push_back(std::move(found));
        else next.back() = {next.back().magnitude.cwiseMax(found.magnitude), next.back().error.cwiseMax(found.error)};
      }
    sent.swap(next);
  }
  return sent.back().error.rowwise().maxCoeff() + 8 * unit_roundoff * sent.back().magnitude.rowwise().maxCoeff();
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
