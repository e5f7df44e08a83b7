// SPDX-License-Identifier: MIT
// A convolution equals its dense matrix, which is laid out here from the sum that it stands for.
#include <stdexcept>

#include "law.hpp"
#include "withstand/convolution.hpp"

using namespace withstand;
using Axis = Convolution::Axis;

namespace {

/// The place in a row-major image, -1 outside.
Index place(const std::vector<Axis>& axes, const std::vector<Index>& at) {
  Index found = 0;
  for (std::size_t a = 0; a < axes.size(); ++a) {
    if (at[a] < 0 || at[a] >= axes[a].source) return -1;
    found = found * axes[a].source + at[a];
  }
  return found;
}

/// Coordinates of the n-th place of an image of these sizes.
template <class Size>
std::vector<Index> coordinates(const std::vector<Axis>& axes, Size size, Index n) {
  std::vector<Index> at(axes.size());
  for (std::size_t a = axes.size(); a-- > 0; n /= size(axes[a])) at[a] = n % size(axes[a]);
  return at;
}

template <class Size>
Index product(const std::vector<Axis>& axes, Size size) {
  Index total = 1;
  for (const Axis& axis : axes) total *= size(axis);
  return total;
}

Index source(const Axis& axis) { return axis.source; }
Index result(const Axis& axis) { return axis.result; }
Index size(const Axis& axis) { return axis.size; }

Matrix laid_out(const Matrix& kernel, Index groups, const std::vector<Axis>& axes, bool last) {
  const Index entries = product(axes, size), from = product(axes, source), to = product(axes, result);
  const Index out = kernel.rows(), own = kernel.cols() / entries, in = own * groups;
  Matrix w = Matrix::Zero(out * to, in * from);
  for (Index o = 0; o < out; ++o)
    for (Index c = 0; c < own; ++c)
      for (Index p = 0; p < to; ++p)
        for (Index e = 0; e < entries; ++e) {
          std::vector<Index> at = coordinates(axes, result, p);
          const std::vector<Index> u = coordinates(axes, size, e);
          for (std::size_t a = 0; a < axes.size(); ++a)
            at[a] = axes[a].stride * at[a] - axes[a].before + axes[a].dilation * u[a];
          const Index q = place(axes, at), channel = o / (out / groups) * own + c;
          if (q < 0) continue;
          w(last ? p * out + o : o * to + p, last ? q * in + channel : channel * from + q) = kernel(o, c * entries + e);
        }
  return w;
}

void check(Index out, Index own, Index groups, const std::vector<Axis>& axes) {
  const Matrix kernel = law::random(out, own * product(axes, size));
  for (const bool last : {false, true}) {
    const Convolution map(kernel, groups, axes, last);
    const Matrix w = laid_out(kernel, groups, axes, last);
    law::check(map, w);
    law::check_synapses(map, w);
    CHECK(map.cost() == static_cast<double>((w.array() != 0).count()));
  }
}

Axis axis(Index source, Index size, Index stride, Index before, Index after, Index dilation) {
  return {source, (source + before + after - dilation * (size - 1) - 1) / stride + 1, size, stride, dilation, before};
}

void check_refusals() {
  const Matrix kernel = Matrix::Ones(4, 6);
  const auto refused = [&](Index groups, const Axis& one) {
    return message_of<std::invalid_argument>([&] { Convolution(kernel, groups, {one}, false); });
  };
  CHECK(refused(1, axis(9, 4, 1, 0, 0, 1)).find("no whole channels") != std::string::npos);
  CHECK(refused(3, axis(9, 3, 1, 0, 0, 1)).find("in 3 groups") != std::string::npos);
  CHECK(refused(1, {9, 7, 3, 0, 1, 0}).find("stride 0") != std::string::npos);
  CHECK(refused(1, {9, 7, 3, 1, 0, 0}).find("dilation 0") != std::string::npos);
}

}  // namespace

int main() {
  check(1, 1, 1, {axis(1, 1, 1, 0, 0, 1)});
  check(3, 2, 1, {axis(7, 3, 1, 0, 0, 1)});
  check(2, 3, 1, {axis(8, 3, 2, 1, 2, 2)});
  check(2, 1, 1, {axis(3, 5, 1, 4, 4, 1)});  // wider than the image
  check(2, 2, 1, {axis(5, 3, 2, 7, 6, 1)});  // places of the result that read zeros alone, sources that nobody reads
  check(4, 1, 4, {axis(6, 3, 1, 1, 1, 1)});  // depthwise
  check(3, 2, 1, {axis(5, 3, 1, 1, 1, 1), axis(4, 2, 1, 0, 0, 1)});
  check(6, 2, 3, {axis(6, 3, 2, 1, 0, 1), axis(7, 2, 3, 0, 1, 2)});
  check(17, 5, 1, {axis(5, 3, 1, 1, 1, 1), axis(5, 3, 1, 1, 1, 1)});  // more channels than a vector holds
  check(2, 2, 1, {axis(4, 2, 1, 1, 0, 1), axis(3, 3, 1, 1, 1, 1), axis(4, 2, 2, 0, 0, 2)});
  check(4, 1, 2, {axis(3, 2, 2, 1, 0, 1), axis(4, 1, 3, 0, 0, 1), axis(3, 3, 1, 1, 1, 1)});
  check(2, 1, 1, {axis(2, 2, 1, 0, 1, 1), axis(3, 2, 2, 0, 0, 1), axis(2, 1, 1, 0, 0, 1), axis(3, 2, 1, 1, 0, 1)});
  check_refusals();
}
