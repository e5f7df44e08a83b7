// SPDX-License-Identifier: MIT
#include "bounds/relaxation.hpp"

namespace withstand::relaxed {

// Interval propagation in midpoint-radius form: s = W m + b has radius |W| r, and the rounding of an inner product of n
// terms is at most (n + 2) u (|W| |m| + |b|) in any order of summation. At a point the radius is rounding alone.
void nominal_ranges(const Network& net, ConstVectorRef lower, ConstVectorRef upper, std::vector<LayerRange>& pre,
                    std::vector<LayerRange>& post) {
  const auto layers = static_cast<std::size_t>(net.layers());
  pre.assign(layers + 1, {});
  post.assign(layers + 1, {});
  post[0] = {lower, upper};
  for (std::size_t l = 1; l <= layers; ++l) {
    const auto layer = static_cast<Index>(l);
    const Matrix& w = net.weight(layer);
    const Vector middle = 0.5 * post[l - 1].lower + 0.5 * post[l - 1].upper;
    const Vector radius = (post[l - 1].upper - middle).cwiseMax(middle - post[l - 1].lower) * (1 + 2 * epsilon);
    const Vector centre = w * middle + net.bias(layer);
    const double gamma = static_cast<double>(w.cols() + 8) * epsilon;
    const Vector size = w.cwiseAbs() * (middle.cwiseAbs() * gamma + radius * (1 + gamma)) + net.bias(layer).cwiseAbs() * gamma;
    const Vector spread = size * (1 + gamma);
    pre[l].lower = centre - spread - centre.cwiseAbs() * epsilon;
    pre[l].upper = centre + spread + centre.cwiseAbs() * epsilon;
    post[l].lower.resize(centre.size());
    post[l].upper.resize(centre.size());
    for (Index j = 0; j < centre.size(); ++j) {
      const Interval y = image(net.activation(layer), {pre[l].lower(j), pre[l].upper(j)});
      post[l].lower(j) = y.lower;
      post[l].upper(j) = y.upper;
    }
  }
}

}  // namespace withstand::relaxed
