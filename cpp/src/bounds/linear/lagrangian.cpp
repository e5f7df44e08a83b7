// SPDX-License-Identifier: MIT
#include "bounds/linear/lagrangian.hpp"

#include <algorithm>
#include <cmath>

#include "bounds/linear/newton.hpp"
#include "core/interval.hpp"
#include "core/rounding.hpp"
#include "withstand/parallel.hpp"

namespace withstand::bounds::linear {
namespace {

constexpr double huge = 1e300;  ///< what may overflow on the way proves nothing

}  // namespace

void hand_down(const Affine& map, const Vector& alpha, Vector& a) {
  if (map.matrix() != nullptr) {
    a.noalias() = map.matrix()->transpose() * alpha;
    return;
  }
  a.setZero(map.cols());
  map.pull_back(1, alpha.data(), alpha.size(), a.data(), a.size());
}

Lagrangian::Lagrangian(const Prepared& prepared, const Restriction& restriction, DecidedState& state)
    : given_(prepared), restriction_(restriction), state_(state), levels_(at(prepared.net.layers())) {
  for (Index l = 0; l <= given_.net.depth(); ++l) levels_[at(l)].failure.assign(at(given_.net.width(l)), -1);
  for (std::size_t f = 0; f < restriction.failed.size(); ++f) {
    const Site& site = restriction.failed[f].site;
    levels_[at(site.layer)].failure[at(site.to)] = static_cast<Index>(f);
  }
}

bool Lagrangian::enter(Index l) {
  Level& level = levels_[at(l)];
  level.first.assign(1, 0);
  level.corners.clear();
  for (Index i = 0; i < given_.net.width(l); ++i) {
    const std::size_t first = level.first.back();
    const bool fails = level.failure[at(i)] >= 0;  // then nobody hears what is received in the failed network
    if (l == 0) {
      const Interval x = entry(given_.post[0], i);
      level.corners.push_back({0, 0, 0, x.lower});
      if (x.upper > x.lower) level.corners.push_back({0, 0, 0, x.upper});
    } else {
      const Interval intact = entry(state_.intact[at(l)], i);
      const Interval faulty = fails ? intact : entry(state_.faulty[at(l)], i);
      const Interval deviation = fails ? Interval{} : entry(state_.deviation[at(l)], i);
      if (!append_corners(given_.net.activation(l, i), intact, faulty, deviation, level.corners)) return false;
    }
    if (fails) fail(l, i, first);
    level.first.push_back(level.corners.size());
  }
  scale(l);
  return true;
}

/// What a failed neuron sends does not depend on what it receives.
void Lagrangian::fail(Index l, Index i, std::size_t first) {
  Level& level = levels_[at(l)];
  const Restriction::Failed& failed = restriction_.failed[at(level.failure[at(i)])];
  const bool added = given_.sending[failed.term].added;
  const std::size_t end = level.corners.size();
  for (std::size_t c = first; c < end; ++c) {
    Corner other = level.corners[c];
    other.delta = added ? failed.upper : failed.upper - other.y;
    level.corners[c].delta = added ? failed.lower : failed.lower - other.y;
    if (failed.upper > failed.lower) level.corners.push_back(other);
  }
}

/// For the rounding errors: how large what is multiplied can be, the ends of ranges that it was computed from included.
void Lagrangian::scale(Index l) {
  Level& level = levels_[at(l)];
  const Index n = given_.net.width(l);
  Vector deviation = Vector::Zero(n), signal = Vector::Zero(n);
  level.deviation_scale.setZero(n), level.intact_scale.setZero(n);
  for (Index i = 0; i < n; ++i) {
    double carriers = 0;
    for (std::size_t c = level.first[at(i)]; c < level.first[at(i + 1)]; ++c) {
      const Corner& corner = level.corners[c];
      deviation(i) = std::max(deviation(i), std::abs(corner.delta));
      signal(i) = std::max(signal(i), std::abs(corner.y));
      carriers = std::max(carriers, std::abs(corner.s));
    }
    if (l > 0 && level.failure[at(i)] < 0 && (state_.deviation[at(l)].lower(i) != 0 || state_.deviation[at(l)].upper(i) != 0))
      carriers += magnitude(entry(state_.faulty[at(l)], i)) + magnitude(entry(state_.deviation[at(l)], i));
    else if (deviation(i) == 0) level.deviation_scale(i) = -1;  // nothing deviates
    const double steepest = l > 0 ? std::max(1.0, given_.net.activation(l, i).lipschitz()) : 1;
    level.intact_scale(i) = steepest * carriers + signal(i);
    level.deviation_scale(i) = level.deviation_scale(i) < 0 ? 0 : deviation(i) + 2 * level.intact_scale(i);
  }
  const Affine& map = given_.net.map(l + 1);
  level.deviation_sum = map.absolute_product(deviation);
  level.intact_sum = map.absolute_product(signal) + given_.net.bias(l + 1).cwiseAbs();
  const double products = static_cast<double>(map.rows() + map.cols()) * tiny;
  const double deviating = level.deviation_scale.sum() + level.deviation_sum.sum();
  level.deviation_lost = deviating > 0 ? products * (1 + deviating) : 0;
  level.intact_lost = products * (1 + level.intact_scale.sum() + level.intact_sum.sum());
  level.finite = deviating < huge && level.intact_lost < huge;
}

Multiplied Lagrangian::row(Index top, Vector alpha, Vector beta) const {
  Multiplied row{top, std::move(alpha), std::move(beta), std::vector<Multiplied::Layer>(at(top))};
  for (Index l = 0; l < top; ++l) {
    Multiplied::Layer& layer = row.layers[at(l)];
    for (Vector* v : {&layer.alpha, &layer.beta, &layer.eta, &layer.s, &layer.delta, &layer.y})
      v->setZero(given_.net.width(l));
  }
  return row;
}

double Lagrangian::largest(const Level& level, Index i, double a, double b, double alpha, double beta) const {
  double most = -infinity;
  for (std::size_t c = level.first[at(i)]; c < level.first[at(i + 1)]; ++c) {
    const Corner& v = level.corners[c];
    most = std::max(most, a * v.delta + b * v.y - alpha * v.eta - beta * v.s);
  }
  return most;
}

/// Multipliers as slopes of lines: of the deviation and the intact signal, or of the faulty and the intact one, whichever
/// is lower in the middle.
void Lagrangian::lines(Index l, Index i, double a, double b, Multiplied::Layer& layer) const {
  const Activation& phi = given_.net.activation(l, i);
  const Interval intact = entry(state_.intact[at(l)], i), faulty = entry(state_.faulty[at(l)], i);
  const double s = middle(intact);
  const auto slope = [&](Interval range, double x, double c) {
    return c > 0 ? slope_above(phi, range, x) : slope_below(phi, range, x);
  };
  const Level& level = levels_[at(l)];
  const bool fails = level.failure[at(i)] >= 0;
  if (fails && !given_.sending[restriction_.failed[at(level.failure[at(i)])].term].added) b -= a;  // v - y
  layer.alpha(i) = 0, layer.beta(i) = b * slope(intact, s, b);
  if (fails || !deviates(l, i)) return;
  const Interval eta = entry(state_.deviation[at(l)], i);
  const double centre = std::min(std::max(middle(faulty) - s, eta.lower), eta.upper);
  const Interval k = slopes(phi, {std::min(faulty.lower, intact.lower), std::max(faulty.upper, intact.upper)});
  const auto end = [&](double x) { return x * ((x < 0) == (a > 0) ? k.lower : k.upper); };  // of a δ's hull in η
  const double apart = a * (end(eta.upper) - end(eta.lower)) / (eta.upper - eta.lower), of_apart = layer.beta(i);
  const double both = a * slope(faulty, middle(faulty), a), of_both = both + (b - a) * slope(intact, s, b - a);
  const auto value = [&](double alpha, double beta) {
    return largest(level, i, a, b, alpha, beta) + alpha * centre + beta * s;
  };
  const bool better = value(both, of_both) < value(apart, of_apart);
  layer.alpha(i) = better ? both : apart, layer.beta(i) = better ? of_both : of_apart;
}

/// The computed coefficients are taken for the true ones: what they are off by, times what they are multiplied by, bounds
/// the error.
double Lagrangian::evaluate(Multiplied& row, bool fresh) const {
  const Vector *alpha = &row.alpha, *beta = &row.beta;
  Vector a, b;
  double bound = 0, slack = 0, size = 0, scale = 0;
  for (Index l = row.top; l > 0; --l) {
    const Level& level = levels_[at(l - 1)];
    Multiplied::Layer& layer = row.layers[at(l - 1)];
    const Affine& map = given_.net.map(l);
    if (!level.finite) return infinity;
    const double offset = beta->dot(given_.net.bias(l));
    bound += offset, size += std::abs(offset);
    const double sums = alpha->cwiseAbs().dot(level.deviation_sum) + beta->cwiseAbs().dot(level.intact_sum);
    slack += static_cast<double>(map.rows() + map.cols() + 32) * epsilon * sums;
    if ((alpha->array() != 0).any()) slack += level.deviation_lost;
    if ((beta->array() != 0).any()) slack += level.intact_lost;
    hand_down(map, *alpha, a);
    hand_down(map, *beta, b);
    for (Index i = 0; i < map.cols(); ++i) {
      if (l > 1 && fresh) lines(l - 1, i, a(i), b(i), layer);
      if (level.failure[at(i)] >= 0) layer.alpha(i) = 0;  // corners do not say what a failed neuron receives
      const double c = largest(level, i, a(i), b(i), layer.alpha(i), layer.beta(i));
      bound += c, size += std::abs(c);
    }
    scale += (a.cwiseAbs() + layer.alpha.cwiseAbs()).dot(level.deviation_scale) +
             (b.cwiseAbs() + layer.beta.cwiseAbs()).dot(level.intact_scale) + sums;
    slack += static_cast<double>(map.cols() + 8) * epsilon * size;
    alpha = &layer.alpha, beta = &layer.beta;
  }
  if (!(scale < huge)) return infinity;
  return bound + (slack + 32 * epsilon * scale) * (1 + 1e-9);
}

double Lagrangian::most(Index l, Index j, double alpha, double beta, int steps) const {
  const Index n = given_.net.width(l);
  Multiplied row = this->row(l, Vector::Zero(n), Vector::Zero(n));
  row.alpha(j) = alpha, row.beta(j) = beta;
  const double bound = evaluate(row, true);
  return steps > 0 && std::isfinite(bound) ? sharpen(*this, row, bound, bound - 0.2 * std::abs(bound), steps) : bound;
}

void Lagrangian::tighten(Index l, bool intact, int steps) {
  LayerRange &s = state_.intact[at(l)], &eta = state_.deviation[at(l)], &hat = state_.faulty[at(l)];
  interruption_point();
  for (Index j = 0; j < given_.net.width(l); ++j) {
    const Activation& phi = given_.net.activation(l, j);
    if (intact && straight_slope(phi, entry(s, j)) < 0)
      narrow(s, j, -most(l, j, 0, -1, steps), most(l, j, 0, 1, steps));
    if (deviates(l, j)) narrow(eta, j, -most(l, j, -1, 0, steps), most(l, j, 1, 0, steps));
    narrow(hat, j, down(s.lower(j) + eta.lower(j)), up(s.upper(j) + eta.upper(j)));
    if (deviates(l, j) && straight_slope(phi, entry(hat, j)) < 0)
      narrow(hat, j, -most(l, j, -1, -1, steps), most(l, j, 1, 1, steps));
  }
}

}  // namespace withstand::bounds::linear
