// SPDX-License-Identifier: MIT
#include <algorithm>

#include "bounds/linear/lagrangian.hpp"
#include "bounds/linear/uphill.hpp"

namespace withstand::bounds::linear {
namespace {

/// One execution in plain arithmetic, and the gradient of a row over its outputs with respect to the inputs.
struct Execution {
  const Prepared& given;
  const Restriction* restriction;  ///< null: the intact one
  std::vector<Vector> pre;         ///< of layers 1..L+1
  std::vector<std::vector<Index>> failed;

  Execution(const Prepared& prepared, const Restriction* decided)
      : given(prepared), restriction(decided), pre(at(prepared.net.layers()) + 1), failed(at(prepared.net.layers())) {
    for (std::size_t f = 0; decided != nullptr && f < decided->failed.size(); ++f)
      failed[at(decided->failed[f].site.layer)].push_back(static_cast<Index>(f));
  }

  void fail(Index l, Vector& y) const {
    for (const Index f : failed[at(l)]) {
      const Restriction::Failed& failure = restriction->failed[at(f)];
      double& sent = y(failure.site.to);
      const double value = 0.5 * failure.lower + 0.5 * failure.upper;
      sent = given.sending[failure.term].added ? sent + value : value;
    }
  }

  double run(const Vector& x, const Vector& row) {
    Vector y = x;
    for (Index l = 1; l <= given.net.layers(); ++l) {
      fail(l - 1, y);
      const Affine& map = given.net.map(l);
      pre[at(l)] = map.product(y) + given.net.bias(l);
      y = pre[at(l)];
      for (Index i = 0; l <= given.net.depth() && i < y.size(); ++i) y(i) = given.net.activation(l, i)(y(i));
    }
    return row.dot(y);
  }

  Vector gradient(Vector row) const {
    for (Index l = given.net.layers(); l > 0; --l) {
      const Affine& map = given.net.map(l);
      Vector below = Vector::Zero(map.cols());
      map.pull_back(1, row.data(), row.size(), below.data(), below.size());
      for (const Index f : failed[at(l - 1)]) {
        const Restriction::Failed& failure = restriction->failed[at(f)];
        if (!given.sending[failure.term].added) below(failure.site.to) = 0;
      }
      for (Index i = 0; l > 1 && i < below.size(); ++i)
        below(i) *= derivative(given.net.activation(l - 1, i), pre[at(l - 1)](i));
      row = std::move(below);
    }
    return row;
  }
};

}  // namespace

Vector uphill(const Prepared& given, const Restriction& restriction, const Vector& row, bool values, Vector x, int steps) {
  const LayerRange& box = given.post[0];
  Execution faulty(given, &restriction), intact(given, nullptr);
  const auto value = [&](const Vector& at) { return faulty.run(at, row) - (values ? 0 : intact.run(at, row)); };
  double best = value(x);
  for (int step = 0; step < steps; ++step) {
    Vector slope = faulty.gradient(row);
    if (!values) slope -= intact.gradient(row);
    Vector corner = x;
    for (Index i = 0; i < x.size(); ++i)
      if (slope(i) != 0) corner(i) = slope(i) > 0 ? box.upper(i) : box.lower(i);
    bool higher = false;
    for (const double share : {1.0, 0.5, 0.25, 0.1, 0.03}) {
      const Vector there = (x + share * (corner - x)).cwiseMax(box.lower).cwiseMin(box.upper);
      const double now = value(there);
      higher = now > best;
      if (!higher) continue;
      best = now, x = there;
      break;
    }
    if (!higher) break;
  }
  return x;
}

}  // namespace withstand::bounds::linear
