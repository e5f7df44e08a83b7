// SPDX-License-Identifier: MIT
#include "response.hpp"

#include <algorithm>
#include <limits>

#include "core/product.hpp"
#include "core/rounding.hpp"
#include "kernels/kernels.hpp"

namespace withstand::enumerate {
namespace {

/// A piecewise-linear activation in s: slopes left of, between and right of two corners (equal corners: two pieces).
struct Bends {
  double corner[2];
  double slope[3];
};

Bends bends_of(const Activation& phi) {
  const double g = phi.gain();
  const Pieces& p = phi.pieces();
  if (p.corners == 0) return {{-infinity, infinity}, {p.slope[0] * g, p.slope[0] * g, p.slope[0] * g}};
  const double first = p.corner[0] / g, last = p.corner[p.corners - 1] / g;
  return {{first, last}, {p.slope[0] * g, p.slope[1] * g, p.slope[2] * g}};
}

constexpr Index columns_at_once = 16;  // senders: all columns of a large map at once would take as much memory as the map

}  // namespace

Response::Response(const Network& net, const std::vector<Vector>& pre, Index lowest, Index decision,
                   const Matrix& changes, Index failures)
    : decision_(decision), reference_(pre[static_cast<std::size_t>(net.layers())]) {
  const auto layers = static_cast<std::size_t>(net.layers()) + 1;
  neurons_.resize(layers);
  corrections_.resize(layers);
  slope_.resize(layers);
  intercept_.resize(layers);
  hinges_.resize(layers);
  starts_.assign(layers + 1, 0);
  for (Index t = 1; t <= net.layers(); ++t) {
    const auto i = static_cast<std::size_t>(t);
    if (t > lowest && t < net.layers()) describe_layer(net, t, pre[i]);
    if (t == lowest + 1 && t < net.layers() && changes.size() > 0) leave_out(net, t, pre[i], changes, failures);
    const Index entries = t == net.layers() ? net.outputs() : static_cast<Index>(hinges_[i].size());
    starts_[i + 1] = starts_[i] + padded(entries);
  }
  nominal_.setZero(starts_.back());
  for (Index t = lowest + 1; t <= net.layers(); ++t)
    measure(t, pre[static_cast<std::size_t>(t)], nominal_.data() + starts_[static_cast<std::size_t>(t)]);
  for (Index l = net.depth(); l >= lowest; --l) respond(net, l);
}

void Response::describe_layer(const Network& net, Index layer, const Vector& pre) {
  const auto l = static_cast<std::size_t>(layer);
  for (Vector* v : {&slope_[l], &intercept_[l]}) v->resize(pre.size());
  for (Index j = 0; j < pre.size(); ++j) {
    const Activation& phi = net.activation(layer, j);
    const Bends p = bends_of(phi);
    const bool two = p.corner[0] == p.corner[1];
    const int piece = pre(j) < p.corner[0] ? 0 : (pre(j) <= p.corner[1] && !two ? 1 : 2);
    slope_[l](j) = p.slope[piece];
    // One point of the piece fixes its intercept: the nominal one, so that the piece is exact there.
    intercept_[l](j) = p.slope[piece] == 0 ? phi(pre(j)) : phi.pieces().intercept[piece];
    for (int side = piece; side < 2; ++side)  // corners above
      if (p.slope[side + 1] != p.slope[side])
        hinges_[l].push_back({j, p.slope[side + 1] - p.slope[side], 1.0, p.corner[side]});
    for (int side = piece; side > 0; --side)  // corners below
      if (p.slope[side - 1] != p.slope[side])
        hinges_[l].push_back({j, p.slope[side] - p.slope[side - 1], -1.0, p.corner[side - 1]});
  }
}

/// At most `failures` signals change, so an excess rises by at most the sum of as many of its largest rises.
void Response::leave_out(const Network& net, Index layer, const Vector& pre, const Matrix& changes, Index failures) {
  auto& hinges = hinges_[static_cast<std::size_t>(layer)];
  const auto count = static_cast<Index>(hinges.size());
  const Affine& map = net.map(layer);
  // Row t: the t-th largest rise of every hinge so far. All hinges at once: a selection for each takes ten times longer.
  Eigen::Array<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> largest(std::min(failures, map.cols()), count);
  largest.setZero();
  Eigen::ArrayXd rise(count), larger(count);
  Matrix scratch;
  const double* weights = nullptr;
  for (Index i = 0; i < map.cols(); ++i, weights += map.rows()) {
    if (i % columns_at_once == 0) weights = map.columns(i, std::min(columns_at_once, map.cols() - i), scratch);
    double* next = rise.data();
    for (const Hinge& hinge : hinges) *next++ = hinge.sign * weights[hinge.node];
    rise = (rise * changes(i, 0)).max(rise * changes(i, 1));
    for (Index t = 0; t < largest.rows(); ++t) {
      larger = rise.max(largest.row(t).transpose());
      rise = rise.min(largest.row(t).transpose());
      largest.row(t) = larger.transpose();
    }
  }
  Index h = 0;
  const auto shut = [&](const Hinge& hinge) {
    const double excess = hinge.sign * (pre(hinge.node) - hinge.corner);
    const double most = largest.col(h++).sum();
    return excess + most < -1e-9 * (most - excess);  // far from rounding
  };
  hinges.erase(std::remove_if(hinges.begin(), hinges.end(), shut), hinges.end());
}

void Response::measure(Index t, const Vector& pre, double* section) const {
  const auto layer = static_cast<std::size_t>(t);
  if (layer + 1 == hinges_.size()) {
    const double none = decision_ < 0 ? 0.0 : -infinity;
    std::fill_n(section, size(t), none);
    for (Index o = 0; o < pre.size(); ++o)
      if (o != decision_) section[o] = pre(o) - (decision_ < 0 ? reference_(o) : pre(decision_));
    return;
  }
  for (const Hinge& hinge : hinges_[layer]) *section++ = hinge.sign * (pre(hinge.node) - hinge.corner);
}

/// of(l) = [what the next layer measures of W^(l+1) transposed | W^(l+1) transposed * slopes * of(l+1)]
void Response::respond(const Network& net, Index l) {
  const Affine& map = net.map(l + 1);
  const auto next = static_cast<std::size_t>(l + 1);
  Eigen::Map<Matrix> all = neurons_[static_cast<std::size_t>(l)].zeros(map.cols(), starts_.back() - starts_[next]);
  if (l == net.depth()) {
    Terms terms;
    for (Index o = 0; o < map.rows(); ++o)
      all.col(o) = Eigen::Map<const Vector>(map.row(o, terms), map.cols());
    if (decision_ >= 0) all.leftCols(map.rows()).colwise() -= Vector(all.col(decision_));
    return;
  }
  const auto& hinges = hinges_[next];
  Eigen::Map<Matrix> corrections = corrections_[next].zeros(size(l + 1), of(l + 1).cols());
  for (std::size_t h = 0; h < hinges.size(); ++h)
    corrections.row(static_cast<Index>(h)) = hinges[h].coefficient * of(l + 1).row(hinges[h].node);
  const Matrix behind = slope(l + 1).asDiagonal() * of(l + 1);
  Matrix scratch;
  for (Index i = 0; i < map.cols(); i += columns_at_once) {
    const Index n = std::min(columns_at_once, map.cols() - i);
    const double* const weights = map.columns(i, n, scratch);
    for (Index r = 0; r < n; ++r) {
      double* row = all.row(i + r).data();
      for (const Hinge& hinge : hinges) *row++ = hinge.sign * weights[r * map.rows() + hinge.node];
    }
    add_product(n, behind.cols(), map.rows(), weights, map.rows(), behind.data(), behind.cols(),
                all.data() + i * all.cols() + size(l + 1), all.cols());
  }
}

bool Response::applies(const Network& net, Index from) {
  for (Index l = from; l <= net.depth(); ++l)
    if (!net.activation(l).piecewise_linear()) return false;
  const Activation& out = net.activation(net.layers());
  return out.identity() && out.gain() == 1.0;
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

double Response::row_bytes(const Network& net, Index layer) {
  double entries = static_cast<double>(net.outputs());
  for (Index l = layer + 1; l <= net.depth(); ++l) entries += 2.0 * static_cast<double>(net.width(l));
  return 8 * entries;
}

double Response::bytes(const Network& net, Index lowest) {
  double bytes = 0;
  for (Index l = lowest; l <= net.depth(); ++l) {
    const double hinges = l > lowest ? 2.0 * static_cast<double>(net.width(l)) : 0.0;
    bytes += (static_cast<double>(net.width(l)) + hinges) * row_bytes(net, l);
  }
  return bytes;
}

}  // namespace withstand::enumerate
