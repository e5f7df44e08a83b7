// SPDX-License-Identifier: MIT
#include <cmath>

#include "bounds/linear/relaxation.hpp"
#include "withstand/parallel.hpp"

namespace withstand::bounds::linear {

// Midpoint-radius form: s = W m + b has radius |W| r, and the rounding of an inner product of n terms is at most
// (n + 2) u (|W| |m| + |b|) in any order of summation. At a point the radius is rounding alone. `propagate` (see
// evaluate/ranges.hpp) encloses the same values with errors by norms of rows, these are by inner products: both stay, for
// the last bits of the bounds rest on them.
void nominal_ranges(Prepared& prepared, ConstVectorRef lower, ConstVectorRef upper) {
  const Network& net = prepared.net;
  prepared.pre.assign(at(net.layers()) + 1, {});
  prepared.post.assign(at(net.layers()) + 1, {});
  prepared.post[0] = {lower, upper};
  for (Index l = 1; l <= net.layers(); ++l) {
    interruption_point();
    const Affine& map = net.map(l);
    const LayerRange& input = prepared.post[at(l - 1)];
    const Vector middle = 0.5 * input.lower + 0.5 * input.upper;
    const Vector radius = (input.upper - middle).cwiseMax(middle - input.lower) * (1 + 2 * epsilon);
    const Vector centre = map.product(middle) + net.bias(l);
    const double gamma = static_cast<double>(map.facts().terms + 8) * epsilon;
    const Vector reach = middle.cwiseAbs() * gamma + radius * (1 + gamma);
    Vector spread = (map.absolute_product(reach) + net.bias(l).cwiseAbs() * gamma) * (1 + gamma);
    Terms terms;
    for (Index j = 0; j < map.rows(); ++j) {
      map.terms_of_row(j, terms);
      spread(j) += underflow(terms, reach, std::abs(centre(j)) + spread(j));
    }
    LayerRange& pre = prepared.pre[at(l)];
    LayerRange& post = prepared.post[at(l)];
    pre.lower = (centre - spread).unaryExpr(&down);
    pre.upper = (centre + spread).unaryExpr(&up);
    post = pre;
    for (Index j = 0; j < centre.size(); ++j) {
      const Interval y = image(net.activation(l, j), entry(pre, j));
      post.lower(j) = y.lower;
      post.upper(j) = y.upper;
    }
  }
}

}  // namespace withstand::bounds::linear
