// SPDX-License-Identifier: MIT
#include "bounds/linear/newton.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <utility>

#include "core/rounding.hpp"
#include "withstand/parallel.hpp"

namespace withstand::bounds::linear {

Newton::Newton(const Lagrangian& lagrangian, Multiplied& row) : of_(lagrangian), row_(row), levels_(at(row.top)) {
  for (Index l = 0; l < row.top; ++l) {
    Level& level = levels_[at(l)];
    const auto n = at(of_.network().width(l));
    level.covariance.resize(n);
    level.alpha.assign(n, -1), level.beta.assign(n, -1);
    for (std::size_t i = 0; l > 0 && i < n; ++i) {
      const bool fails = of_.level(l).failure[i] >= 0;
      if (!fails && of_.deviates(l, static_cast<Index>(i))) level.alpha[i] = variables_++;
      level.beta[i] = variables_++;
    }
  }
  hessian_.resize(variables_, variables_);
  gradient_.resize(variables_);
}

/// The smooth maximum of one neuron, and where it is `curved` the mixture and its covariance.
double Newton::mix(Index l, Index i, const double* u, double temperature, bool curved) {
  const Lagrangian::Level& known = of_.level(l);
  const Corner* corners = known.corners.data() + known.first[at(i)];
  const std::size_t count = std::min(known.first[at(i + 1)] - known.first[at(i)], most_corners);
  std::array<double, most_corners> h;
  double most = -infinity, total = 0, mixed = 0;
  for (std::size_t c = 0; c < count; ++c) {
    h[c] = u[0] * corners[c].delta + u[1] * corners[c].y - u[2] * corners[c].eta - u[3] * corners[c].s;
    most = std::max(most, h[c]);
  }
  std::array<double, 4> mean{};
  for (std::size_t c = 0; c < count; ++c) {
    const double below = (h[c] - most) / temperature, weight = below < -36 ? 0 : std::exp(below);
    const Corner& v = corners[c];
    total += weight, mixed += weight * h[c], h[c] = weight;
    mean[0] += weight * v.delta, mean[1] += weight * v.y, mean[2] -= weight * v.eta, mean[3] -= weight * v.s;
  }
  mixed_ += mixed / total;
  if (!curved) return most + temperature * std::log(total);
  for (double& m : mean) m /= total;
  Multiplied::Layer& layer = row_.layers[at(l)];
  layer.delta(i) = mean[0], layer.y(i) = mean[1], layer.eta(i) = -mean[2], layer.s(i) = -mean[3];
  Covariance& covariance = levels_[at(l)].covariance[at(i)];
  covariance.fill(0);
  for (std::size_t c = 0; c < count; ++c) {
    if (h[c] == 0) continue;
    const Corner& v = corners[c];
    const double d[4] = {v.delta - mean[0], v.y - mean[1], -v.eta - mean[2], -v.s - mean[3]};
    for (std::size_t p = 0, at = 0; p < 4; ++p)
      for (std::size_t q = p; q < 4; ++q, ++at) covariance[at] += h[c] / total * d[p] * d[q];
  }
  return most + temperature * std::log(total);
}

double Newton::value(double temperature, bool curved) {
  const Vector *alpha = &row_.alpha, *beta = &row_.beta;
  Vector a, b;
  double sum = 0;
  mixed_ = 0;
  for (Index l = row_.top; l > 0; --l) {
    const Multiplied::Layer& layer = row_.layers[at(l - 1)];
    const Affine& map = of_.network().map(l);
    const double offset = beta->dot(of_.network().bias(l));
    sum += offset, mixed_ += offset;
    hand_down(map, *alpha, a);
    hand_down(map, *beta, b);
    for (Index i = 0; i < map.cols(); ++i) {
      const double u[4] = {a(i), b(i), layer.alpha(i), layer.beta(i)};
      sum += mix(l - 1, i, u, temperature, curved);
    }
    alpha = &layer.alpha, beta = &layer.beta;
  }
  return sum;
}

void Newton::couple(Index row, Index column, double value) {
  if (row < 0 || column < 0) return;
  hessian_(row, column) += value;
  if (row != column) hessian_(column, row) += value;
}

void Newton::differentiate(double temperature) {
  hessian_.setZero();
  for (Index l = 1; l < row_.top; ++l) differentiate(l);
  hessian_ /= temperature;
  const double ridge = 1e-10 * hessian_.diagonal().maxCoeff() + 1e-300;  // where corners have no weight it is singular
  hessian_.diagonal() *= 1 + 1e-7;
  hessian_.diagonal().array() += ridge;
}

/// What depends on the multipliers of layer l: its own mixtures, and those of the layer before, by a = Wᵀα and b = Wᵀβ.
void Newton::differentiate(Index l) {
  enum { dd, dy, de, ds, yy, ye, ys, ee, es, ss };
  const Level &level = levels_[at(l)], &below = levels_[at(l - 1)];
  const Multiplied::Layer &layer = row_.layers[at(l)], &before = row_.layers[at(l - 1)];
  const Matrix& w = of_.network().dense(l);
  const Vector eta = w * before.delta - layer.eta, s = w * before.y + of_.network().bias(l) - layer.s;
  const auto product = [&](std::size_t entry) -> Matrix {
    Vector moments(w.cols());
    for (Index j = 0; j < w.cols(); ++j) moments(j) = below.covariance[at(j)][entry];
    return w * moments.asDiagonal() * w.transpose();
  };
  const bool deviates = std::any_of(level.alpha.begin(), level.alpha.end(), [](Index a) { return a >= 0; });
  const Matrix yy_sent = product(yy), none;
  const Matrix dd_sent = deviates ? product(dd) : none, dy_sent = deviates ? product(dy) : none;
  for (Index i = 0; i < w.rows(); ++i) {
    const Index a = level.alpha[at(i)], b = level.beta[at(i)];
    const Covariance& own = level.covariance[at(i)];
    if (a >= 0) gradient_(a) = eta(i);
    gradient_(b) = s(i);
    couple(a, a, own[ee]), couple(a, b, own[es]), couple(b, b, own[ss]);
    for (Index j = 0; j < w.rows(); ++j) {
      if (j <= i) couple(b, level.beta[at(j)], yy_sent(i, j));
      if (a >= 0 && j <= i) couple(a, level.alpha[at(j)], dd_sent(i, j));
      if (a >= 0) couple(a, level.beta[at(j)], dy_sent(i, j));
    }
    for (Index j = 0; l > 1 && j < w.cols(); ++j) {
      const Covariance& sent = below.covariance[at(j)];
      couple(a, below.alpha[at(j)], w(i, j) * sent[de]), couple(a, below.beta[at(j)], w(i, j) * sent[ds]);
      couple(b, below.alpha[at(j)], w(i, j) * sent[ye]), couple(b, below.beta[at(j)], w(i, j) * sent[ys]);
    }
  }
}

void Newton::move(double share) {
  for (Index l = 1; l < row_.top; ++l) {
    const Level& level = levels_[at(l)];
    Multiplied::Layer& layer = row_.layers[at(l)];
    for (Index i = 0; i < layer.alpha.size(); ++i) {
      if (level.alpha[at(i)] >= 0) layer.alpha(i) += share * direction_(level.alpha[at(i)]);
      layer.beta(i) += share * direction_(level.beta[at(i)]);
    }
  }
}

bool Newton::step(double temperature) {
  constexpr int halvings = 12;
  interruption_point();
  const double before = value(temperature, true);
  differentiate(temperature);
  const Eigen::LLT<Matrix> factors(hessian_);
  if (factors.info() != Eigen::Success) return false;
  direction_ = -factors.solve(gradient_);
  decrement_ = -direction_.dot(gradient_);
  if (!(decrement_ > 0)) return false;
  double share = 1;
  move(share);
  for (int halving = 0; halving < halvings; ++halving, share *= 0.5) {
    if (value(temperature, false) <= before - 0.1 * share * decrement_) return true;
    move(-0.5 * share);
  }
  move(-share);
  return false;
}

double sharpen(const Lagrangian& lagrangian, Multiplied& row, double bound, double enough, int steps) {
  constexpr double hottest = 0.05, cooling = 0.4, near = 0.2;  // beside what there is to gain
  if (!std::isfinite(bound) || !(bound > enough) || !std::isfinite(enough) || row.top < 2) return bound;
  Newton newton(lagrangian, row);
  std::vector<Multiplied::Layer> best = row.layers;
  double temperature = hottest * (bound - enough), least = bound;
  for (int step = 0; step < steps && least > enough; ++step) {
    const bool moved = newton.step(temperature);
    const double now = lagrangian.evaluate(row, false), open = near * (least - enough);
    if (now < least) least = now, best = row.layers;
    const double spread = now - newton.mixed();
    if (moved && newton.decrement() < open && spread < open) break;  // as low as it gets
    if (!moved) temperature /= cooling * cooling;
    else if (newton.decrement() < 2 * spread) temperature *= cooling;
  }
  row.layers = std::move(best);
  if (least > enough) newton.mix(temperature);
  return least;
}

}  // namespace withstand::bounds::linear
