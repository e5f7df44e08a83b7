// SPDX-License-Identifier: MIT
#include "response.hpp"

#include <limits>

#include "withstand/kernels.hpp"

namespace withstand {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A piecewise-linear activation: slopes left of, between and right of two corners (equal corners: two pieces).
struct Pieces {
  double corner[2];
  double slope[3];
};

Pieces pieces_of(const Activation& phi) {
  const double g = phi.gain();
  switch (phi.kind()) {
    case Activation::Kind::relu: return {{0, 0}, {0, g, g}};
    case Activation::Kind::leaky_relu: return {{0, 0}, {phi.slope() * g, g, g}};
    case Activation::Kind::hard_tanh: return {{-1 / g, 1 / g}, {0, g, 0}};
    case Activation::Kind::clip: return {{-0.5 / g, 0.5 / g}, {0, g, 0}};
    default: return {{-infinity, infinity}, {g, g, g}};
  }
}

}  // namespace

Response::Response(const Network& net, const std::vector<Vector>& pre, Index lowest) {
  const auto layers = static_cast<std::size_t>(net.layers()) + 2;
  starts_.assign(layers, 0);
  for (Index l = 1; l <= net.layers(); ++l)
    starts_[static_cast<std::size_t>(l) + 1] = starts_[static_cast<std::size_t>(l)] + net.width(l);
  responses_.resize(layers);
  slope_.resize(layers);
  intercept_.resize(layers);
  low_.resize(layers);
  high_.resize(layers);
  hinges_.resize(layers);
  nominal_.setZero(starts_.back() + 2 * padding);
  for (Index l = 1; l <= net.layers(); ++l)
    nominal_.segment(starts_[static_cast<std::size_t>(l)], net.width(l)) = pre[static_cast<std::size_t>(l)];
  for (Index l = lowest + 1; l <= net.depth(); ++l) describe_layer(net, l, pre[static_cast<std::size_t>(l)]);

  // of(l) = [W^(l+1) transposed | W^(l+1) transposed * slopes * of(l+1)]
  for (Index l = net.depth(); l >= lowest; --l) {
    const Matrix& weights = net.weight_transposed(l + 1);
    Matrix& all = responses_[static_cast<std::size_t>(l)];
    all = Matrix::Zero(weights.rows(), columns(l));
    all.leftCols(weights.cols()) = weights;
    if (l == net.depth()) continue;
    const Matrix& behind = of(l + 1);
    std::vector<Index> alive;  // receivers that pass something on
    for (Index j = 0; j < weights.cols(); ++j)
      if (slope(l + 1)(j) != 0) alive.push_back(j);
    const auto k = static_cast<Index>(alive.size());
    Matrix left(weights.rows(), k);
    Matrix right(k, behind.cols());
    for (Index i = 0; i < k; ++i) {
      const Index j = alive[static_cast<std::size_t>(i)];
      left.col(i) = weights.col(j) * slope(l + 1)(j);
      right.row(i) = behind.row(j);
    }
    kernels().multiply_add(left.rows(), right.cols(), k, left.data(), k, right.data(), right.cols(),
                           all.data() + weights.cols(), all.cols());
  }
}

void Response::describe_layer(const Network& net, Index layer, const Vector& pre) {
  const auto l = static_cast<std::size_t>(layer);
  const Activation& phi = net.activation(layer);
  const Pieces p = pieces_of(phi);
  for (Vector* v : {&slope_[l], &intercept_[l]}) v->resize(pre.size());
  low_[l].setConstant(pre.size() + padding, -infinity);
  high_[l].setConstant(pre.size() + padding, infinity);
  hinges_[l].assign(static_cast<std::size_t>(2 * pre.size()), Hinge{});
  for (Index j = 0; j < pre.size(); ++j) {
    const int piece = pre(j) < p.corner[0] ? 0 : (pre(j) <= p.corner[1] && p.corner[0] != p.corner[1] ? 1 : 2);
    Hinge* hinge = &hinges_[l][static_cast<std::size_t>(2 * j)];
    low_[l](j) = piece == 0 ? -infinity : p.corner[piece - 1];
    high_[l](j) = piece == 2 ? infinity : p.corner[piece];
    slope_[l](j) = p.slope[piece];
    // One point of the piece fixes its intercept: the nominal one, so that the piece is exact there.
    intercept_[l](j) = p.slope[piece] == 0 ? phi(pre(j)) : (piece == 1 && p.corner[0] != p.corner[1] ? phi(0.0) : 0.0);
    for (int side = piece; side < 2; ++side)  // corners above
      if (p.slope[side + 1] != p.slope[side]) *hinge++ = {p.slope[side + 1] - p.slope[side], 1.0, p.corner[side]};
    for (int side = piece; side > 0; --side)  // corners below
      if (p.slope[side - 1] != p.slope[side]) *hinge++ = {p.slope[side] - p.slope[side - 1], -1.0, p.corner[side - 1]};
  }
}

bool Response::applies(const Network& net, Index from) {
  for (Index l = from; l <= net.depth(); ++l)
    if (!net.activation(l).piecewise_linear()) return false;
  const Activation& out = net.activation(net.layers());
  return out.kind() == Activation::Kind::identity && out.gain() == 1.0;
}

double Response::cost(const Network& net, Index lowest) {
  double products = 0;
  double behind = static_cast<double>(net.outputs());
  for (Index l = net.depth() - 1; l >= lowest; --l) {
    products += static_cast<double>(net.width(l)) * static_cast<double>(net.width(l + 1)) * behind;
    behind += static_cast<double>(net.width(l + 1));
  }
  return products;
}

double Response::bytes(const Network& net, Index lowest) {
  double entries = 0;
  double behind = 0;
  for (Index l = net.depth(); l >= lowest; --l) {
    behind += static_cast<double>(net.width(l + 1));
    entries += static_cast<double>(net.width(l)) * behind;
  }
  return 8 * entries;
}

}  // namespace withstand
