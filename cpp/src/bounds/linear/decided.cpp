// SPDX-License-Identifier: MIT
#include "withstand/decided.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "bounds/linear/halves.hpp"
#include "bounds/linear/newton.hpp"
#include "bounds/linear/uphill.hpp"
#include "failure/effects.hpp"

namespace withstand {

using bounds::linear::Lagrangian;
using bounds::linear::narrow;
using bounds::linear::Multiplied;

namespace {

/// A Newton step takes the cube of the number of neurons, and better ranges a row for each.
constexpr Index most_neurons = 256;
/// Steps at the root, of each range there, and further on.
constexpr int first_steps = 15, range_steps = 5, next_steps = 12;
/// Steps towards a witness, likewise.
constexpr int first_climb = 20, next_climb = 3;

bool intersect(LayerRange& range, const LayerRange& other) {
  bool narrower = false;
  for (Index i = 0; i < range.lower.size(); ++i) narrower |= narrow(range, i, other.lower(i), other.upper(i));
  return narrower;
}

bool cut(DecidedState& state, const Restriction& restriction, Index l) {
  bool narrower = false;
  for (const Restriction::Piece& piece : restriction.pieces)
    if (piece.layer == l)
      narrower |= narrow((piece.intact ? state.intact : state.faulty)[at(l)], piece.neuron, piece.lower, piece.upper);
  return narrower;
}

/// What is known of the failed network's layer before anything is computed.
void start(DecidedState& state, const Restriction& restriction, Index l, const LinearRanges* known) {
  const Index n = state.intact[at(l)].lower.size();
  const auto before = [&](const Restriction::Failed& failed) { return failed.site.layer < l; };
  const double most = std::any_of(restriction.failed.begin(), restriction.failed.end(), before) ? infinity : 0;
  state.deviation[at(l)] = {Vector::Constant(n, -most), Vector::Constant(n, most)};
  state.faulty[at(l)] = {Vector::Constant(n, -infinity), Vector::Constant(n, infinity)};
  if (known != nullptr) intersect(state.deviation[at(l)], known->deviation[at(l)]);
  if (known != nullptr) intersect(state.faulty[at(l)], known->faulty[at(l)]);
  cut(state, restriction, l);
}

Vector staying(const Vector& row, bool values) { return values ? row : Vector::Zero(row.size()); }

}  // namespace

bool DecidedBound::applies(const Network& net, const Space& space) {
  if (!net.is_dense() || net.is_graph() || net.neurons() > most_neurons) return false;
  for (const Space::Term& term : space.terms())
    if (on_synapses(term.failure.effect) || !is_counted(term.failure.effect)) return false;
  for (Index l = 1; l <= net.depth(); ++l)
    if (!bounds::linear::bends_at_zero(net.activation(l))) return false;
  const Activation& psi = net.activation(net.layers());
  return psi.identity() && psi.gain() == 1;
}

DecidedBound::DecidedBound(const LinearBound& prepared) : prepared_(prepared.prepared_) {}

bool DecidedBound::decided(const Restriction& restriction) const {
  const Space& space = prepared_->space;
  std::vector<Site> known = restriction.alive;
  for (const Restriction::Failed& failed : restriction.failed) known.push_back(failed.site);
  std::sort(known.begin(), known.end());
  for (std::size_t t = 0; t < space.terms().size(); ++t)
    for (const auto& sites : space.terms()[t].sites)
      for (const Site& site : sites) {
        if (restriction.remaining(space, t, site.layer) <= 0) break;
        if (space.terms()[t].failure.exactly || !std::binary_search(known.begin(), known.end(), site)) return false;
      }
  return true;
}

DecidedResult DecidedBound::first(const Restriction& restriction, const ConstMatrixRef& rows, bool values,
                                  const LinearRanges* known) const {
  const Network& net = prepared_->net;
  DecidedResult result;
  result.bounds.setConstant(rows.rows(), -infinity);
  DecidedState& state = result.state;
  state.intact.assign(prepared_->pre.begin(), prepared_->pre.end() - 1);
  Lagrangian lagrangian(*prepared_, restriction, state);
  state.deviation.resize(state.intact.size()), state.faulty.resize(state.intact.size());
  for (Index l = 0; l < net.layers(); ++l) {
    if (l > 0) {
      start(state, restriction, l, known);
      lagrangian.tighten(l, false, 0);
    }
    if (!lagrangian.enter(l)) return result;
  }
  for (Index r = 0; r < rows.rows(); ++r) {
    const Vector c = rows.row(r).transpose();
    Multiplied row = lagrangian.row(net.layers(), c, staying(c, values));
    result.bounds(r) = lagrangian.evaluate(row, true);
  }
  return result;
}

DecidedResult DecidedBound::next(const Restriction& restriction, const Vector& c, bool values, const DecidedState& before,
                                 double enough) const {
  const Network& net = prepared_->net;
  const bool root = before.alpha.empty();
  DecidedResult result;
  result.bounds.setConstant(1, -infinity);
  DecidedState& state = result.state = before;
  Lagrangian lagrangian(*prepared_, restriction, state);
  bool narrower = root;  // something before the layer
  for (const Restriction::Failed& failed : restriction.failed) narrower = narrower || failed.upper > failed.lower;
  for (Index l = 0; l < net.layers(); ++l) {
    if (l > 0) {
      const bool box = intersect(state.intact[at(l)], prepared_->pre[at(l)]), pieces = cut(state, restriction, l);
      if (narrower && l > 1) lagrangian.tighten(l, true, root ? range_steps : 0);
      narrower = narrower || box || pieces;
    }
    if (!lagrangian.enter(l)) return result;
  }
  Multiplied row = lagrangian.row(net.layers(), c, staying(c, values));
  double bound = lagrangian.evaluate(row, true);
  if (!root) {
    Multiplied known = row;
    for (Index l = 1; l < net.layers(); ++l)
      known.layers[at(l)].alpha = before.alpha[at(l)], known.layers[at(l)].beta = before.beta[at(l)];
    if (const double other = lagrangian.evaluate(known, false); other < bound) bound = other, row = std::move(known);
  }
  bound = result.bounds(0) = bounds::linear::sharpen(lagrangian, row, bound, enough, root ? first_steps : next_steps);
  state.alpha.clear(), state.beta.clear();
  for (Multiplied::Layer& layer : row.layers) state.alpha.push_back(layer.alpha), state.beta.push_back(layer.beta);
  if (bound <= enough) return result;
  result.pieces = bounds::linear::halves(net, restriction, state, row);
  const LayerRange& box = prepared_->post[0];
  const Vector start = row.layers[0].y.cwiseMax(box.lower).cwiseMin(box.upper);
  result.input = bounds::linear::uphill(*prepared_, restriction, c, values, start, root ? first_climb : next_climb);
  return result;
}

}  // namespace withstand
