// SPDX-License-Identifier: MIT
#include "gains.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/index.hpp"
#include "core/rounding.hpp"
#include "withstand/parallel.hpp"

namespace withstand::enumerate {
namespace {

/// By how much a change of a signal, and of a pre-activation, moves an output at most; the largest over the outputs.
struct Gains {
  std::vector<Vector> signal, sum;  ///< of layers 0..L and 1..L+1

  explicit Gains(const Network& net) : signal(at(net.layers()) + 1), sum(at(net.layers()) + 1) {
    Matrix rows = Matrix::Identity(net.outputs(), net.outputs()) * net.activation(net.layers()).lipschitz();
    for (Index l = net.layers(); l >= 1; --l) {
      sum[at(l)] = rows.colwise().maxCoeff().transpose();
      rows = through(net.map(l), rows);
      signal[at(l - 1)] = rows.colwise().maxCoeff().transpose();
      if (l > 1) rows.leftCols(net.own(l - 1)) *= net.activation(l - 1).lipschitz();
    }
  }

  /// rows |W|, rounded up.
  static Matrix through(const Affine& map, const Matrix& rows) {
    Matrix result = Matrix::Zero(map.cols(), rows.rows());
    const Matrix columns = rows.transpose();
    Terms terms;
    for (Index j = 0; j < map.rows(); ++j) {
      interruption_point();
      map.terms_of_row(j, terms);
      for (Index t = 0; t < terms.size; ++t) result.row(terms.sender(t)) += std::abs(terms.weight[t]) * columns.row(j);
    }
    return result.transpose() * (1 + 1e-9);
  }
};

/// What is rounded of one neuron, relative to the sizes that it sums up.
double rounded(const Network& net, Index layer, int failures) {
  return 4 * static_cast<double>(net.map(layer).facts().terms + 16 + 8 * failures) * unit_roundoff;
}

/// Of the intact network: in every place what its sums and its activation are rounded by.
double intact(const Network& net, const Gains& gains, const Trace& trace, int failures) {
  double error = 0;
  for (Index l = 1; l <= net.layers(); ++l) {
    const Vector sizes = net.map(l).absolute_product(trace.post[at(l - 1)].cwiseAbs()) + net.bias(l).cwiseAbs();
    error += rounded(net, l, failures) * gains.sum[at(l)].dot(sizes);
    const Activation& phi = net.activation(l);
    const double scale = !phi.piecewise_linear() && phi.has_slope() ? 1 + phi.slope() : 1;
    const Vector own = trace.post[at(l)].head(net.own(l)).cwiseAbs().array() + scale;
    if (l == net.layers()) error += 16 * unit_roundoff * own.maxCoeff();
    else error += 16 * unit_roundoff * gains.signal[at(l)].head(net.own(l)).dot(own);
  }
  return error;
}

/// The most that one failure moves an output, by |weights| and Lipschitz constants.
double moved(const Network& net, const Grid& grid, const Gains& gains, const Trace& trace) {
  double most = 0;
  for (const Grid::Stage& stage : grid.stages())
    for (std::size_t m = 0; m < stage.members.size(); ++m)
      for (const int p : stage.members[m]) {
        const Site& site = stage.sites[at(p)];
        const double value = std::abs(grid.value(m));
        const double change = site.is_synapse() ? gains.sum[at(site.layer)](site.to) *
                                                      (value + net.map(site.layer).facts().max *
                                                                   trace.post[at(site.layer - 1)].cwiseAbs()(site.from))
                                                : gains.signal[at(site.layer)](site.to) *
                                                      (value + std::abs(trace.post[at(site.layer)](site.to)));
        most = std::max(most, change);
      }
  return most;
}

}  // namespace

Vector rounding_by_gains(const Network& net, const Grid& grid, const std::vector<Trace>& nominal) {
  const Gains gains(net);
  const int failures = grid.classes().empty() ? 0 : grid.classes().back().failures;
  double steps = 16 * unit_roundoff * static_cast<double>(net.layers());
  for (Index l = 1; l <= net.layers(); ++l) steps += 2 * rounded(net, l, failures);
  Vector errors(static_cast<Index>(nominal.size()));
  for (std::size_t n = 0; n < nominal.size(); ++n) {
    interruption_point();
    errors(static_cast<Index>(n)) =
        intact(net, gains, nominal[n], failures) + steps * failures * moved(net, grid, gains, nominal[n]);
  }
  return errors * (1 + 1e-6);
}

}  // namespace withstand::enumerate
