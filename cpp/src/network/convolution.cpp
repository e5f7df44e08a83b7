// SPDX-License-Identifier: MIT
#include "withstand/convolution.hpp"

#include <algorithm>

#include "core/index.hpp"
#include "core/product.hpp"
#include "core/require.hpp"
#include "kernels/kernels.hpp"

namespace withstand {
namespace {

/// Places of an image: the product of some size over the axes.
template <class Size>
Index places(const std::vector<Convolution::Axis>& axes, Size size) {
  Index product = 1;
  for (const Convolution::Axis& axis : axes) product *= size(axis);
  return product;
}

Index entries_of(const std::vector<Convolution::Axis>& axes) {
  return places(axes, [](const auto& axis) { return axis.size; });
}

/// Columns by increasing sender: (channel, entry), or (entry, channel) where channels come last.
Matrix ordered(Matrix kernel, Index entries, bool channels_last) {
  if (!channels_last) return kernel;
  const Index channels = kernel.cols() / entries;
  Matrix turned(kernel.rows(), kernel.cols());
  for (Index c = 0; c < channels; ++c)
    for (Index e = 0; e < entries; ++e) turned.col(e * channels + c) = kernel.col(c * entries + e);
  return turned;
}

/// Copies of places gathered together: as much as stays in the cache.
constexpr Index patch_doubles = 1 << 16;

}  // namespace

Index Convolution::sources(const Matrix& kernel, Index groups, const std::vector<Axis>& axes) {
  return kernel.cols() / entries_of(axes) * groups * places(axes, [](const Axis& axis) { return axis.source; });
}

Index Convolution::results(const Matrix& kernel, const std::vector<Axis>& axes) {
  return kernel.rows() * places(axes, [](const Axis& axis) { return axis.result; });
}

Convolution::Convolution(Matrix kernel, Index groups, std::vector<Axis> axes, bool channels_last)
    : Convolution(std::make_shared<const Matrix>(ordered(std::move(kernel), entries_of(axes), channels_last)), groups, axes,
                  channels_last) {}

Convolution::Convolution(std::shared_ptr<const Matrix> kernel, Index groups, const std::vector<Axis>& axes, bool channels_last)
    : Affine(results(*kernel, axes), sources(*kernel, groups, axes)), held_(std::move(kernel)), kernel_(*held_),
      in_(kernel_.cols() / entries_of(axes) * groups), out_(kernel_.rows()), in_group_(kernel_.cols() / entries_of(axes)),
      out_group_(kernel_.rows() / groups), in_places_(places(axes, [](const Axis& axis) { return axis.source; })),
      out_places_(places(axes, [](const Axis& axis) { return axis.result; })), entries_(entries_of(axes)),
      last_(channels_last) {
  require(kernel_.size() > 0 && kernel_.cols() % entries_ == 0 && kernel_.rows() % groups == 0, "a kernel of shape (",
          kernel_.rows(), ", ", kernel_.cols(), ") has no whole channels in ", groups, " groups");
  for (const Axis& axis : axes)
    require(axis.source > 0 && axis.result > 0 && axis.size > 0 && axis.stride > 0 && axis.dilation > 0,
            "a convolution takes ", axis.source, " places to ", axis.result, " by ", axis.size, " with stride ", axis.stride,
            " and dilation ", axis.dilation, "; all must be positive");
  connect(axes);
  cost_ = backward_.size() * static_cast<double>(out_) * static_cast<double>(in_group_);
}

/// A row per (entry, channel of the source), padded to whole vectors; of a single group. Made when it is first asked for:
/// bounds do without it.
const Matrix& Convolution::turned() const {
  std::call_once(once_, [this] {
    turned_ = Matrix::Zero(kernel_.cols(), padded(out_));
    for (Index e = 0; e < entries_; ++e)
      for (Index c = 0; c < in_; ++c)
        turned_.row(e * in_ + c).head(out_) = kernel_.col(last_ ? e * in_ + c : c * entries_ + e).transpose();
  });
  return turned_;
}

void Convolution::terms_of_row(Index j, Terms& terms) const {
  const Index o = last_ ? j % out_ : j / out_places_, p = last_ ? j / out_ : j % out_places_;
  const Index group = o / out_group_;
  const double* const weights = kernel_.data() + o * kernel_.cols();
  const Taps taps = backward_.of(p);
  terms.clear();
  if (last_) {
    for (const Tap tap : taps)
      for (Index c = 0; c < in_group_; ++c)
        terms.add(sender(group * in_group_ + c, tap.place), weights[tap.entry * in_group_ + c]);
  } else {
    for (Index c = 0; c < in_group_; ++c)
      for (const Tap tap : taps)
        terms.add(sender(group * in_group_ + c, tap.place), weights[c * entries_ + tap.entry]);
  }
  terms.show();
}

/// The first place of each entry; of one that meets nothing but zeros there is none.
std::vector<Affine::Place> Convolution::stored() const {
  std::vector<Index> first(at(entries_), -1), read(at(entries_), 0);
  for (Index p = 0; p < out_places_; ++p)
    for (const Tap tap : backward_.of(p))
      if (first[at(tap.entry)] < 0) first[at(tap.entry)] = p, read[at(tap.entry)] = tap.place;
  std::vector<Place> all;
  for (Index o = 0; o < out_; ++o)
    for (Index c = 0; c < in_group_; ++c)
      for (Index e = 0; e < entries_; ++e)
        if (first[at(e)] >= 0)
          all.push_back({receiver(o, first[at(e)]), sender(o / out_group_ * in_group_ + c, read[at(e)])});
  std::sort(all.begin(), all.end(), [](const Place& a, const Place& b) { return a.to != b.to ? a.to < b.to : a.from < b.from; });
  return all;
}

void Convolution::shared(Index j, Index i, std::vector<Place>& places) const {
  const Index o = last_ ? j % out_ : j / out_places_, p = last_ ? j / out_ : j % out_places_;
  const Index c = last_ ? i % in_ : i / in_places_, q = last_ ? i / in_ : i % in_places_;
  Index entry = -1;
  for (const Tap tap : backward_.of(p))
    if (tap.place == q) entry = tap.entry;
  require(entry >= 0 && c / in_group_ == o / out_group_, "receiver ", j, " does not hear sender ", i);
  places.clear();
  for (Index r = 0; r < out_places_; ++r)
    for (const Tap tap : backward_.of(r))
      if (tap.entry == entry) places.push_back({receiver(o, r), sender(c, tap.place)});
}

void Convolution::terms_of_column(Index i, Terms& terms) const {
  const Index c = last_ ? i % in_ : i / in_places_, q = last_ ? i / in_ : i % in_places_;
  const Index group = c / in_group_, own = c % in_group_;
  const Taps taps = forward_.of(q);
  terms.clear();
  const auto add = [&](Index o, const Tap& tap) {
    const Index column = last_ ? tap.entry * in_group_ + own : own * entries_ + tap.entry;
    terms.add(receiver(o, tap.place), kernel_(o, column));
  };
  if (last_) {
    for (const Tap tap : taps)
      for (Index o = group * out_group_; o < (group + 1) * out_group_; ++o) add(o, tap);
  } else {
    for (Index o = group * out_group_; o < (group + 1) * out_group_; ++o)
      for (const Tap tap : taps) add(o, tap);
  }
  terms.show();
}

/// What the kernel's columns meet at one place of the result: n signals each, zeros outside the image.
void Convolution::gather(Index group, Index place, Index n, const double* y, Index ldy, double* patch) const {
  std::fill_n(patch, kernel_.cols() * n, 0.0);
  for (const Tap tap : backward_.of(place))
    for (Index c = 0; c < in_group_; ++c) {
      const Index column = last_ ? tap.entry * in_group_ + c : c * entries_ + tap.entry;
      std::copy_n(y + sender(group * in_group_ + c, tap.place) * ldy, n, patch + column * n);
    }
}

/// One product per group and place where there are many signals; for single ones, of many places together: then the
/// patches are the rows, and the kernel's transpose the columns.
void Convolution::convolve(const Matrix& kernel, Index n, const double* y, Index ldy, double* s, Index lds) const {
  const Index columns = kernel.cols();
  std::vector<double> patch;
  if (n > 1) {
    patch.resize(at(columns * n));
    for (Index group = 0; group < in_ / in_group_; ++group)
      for (Index p = 0; p < out_places_; ++p) {
        gather(group, p, n, y, ldy, patch.data());
        kernels().multiply_add(out_group_, n, columns, kernel.data() + group * out_group_ * columns, columns, patch.data(), n,
                               s + receiver(group * out_group_, p) * lds, last_ ? lds : out_places_ * lds);
      }
    return;
  }
  const Index some = std::max<Index>(1, patch_doubles / columns);
  patch.resize(at(some * columns));
  Matrix sums;
  for (Index group = 0; group < in_ / in_group_; ++group) {
    const Matrix turned = kernel.middleRows(group * out_group_, out_group_).transpose();
    for (Index first = 0; first < out_places_; first += some) {
      const Index count = std::min(some, out_places_ - first);
      for (Index p = 0; p < count; ++p) gather(group, first + p, 1, y, ldy, patch.data() + p * columns);
      sums.resize(count, out_group_);
      for (Index p = 0; p < count; ++p)
        for (Index o = 0; o < out_group_; ++o) sums(p, o) = s[receiver(group * out_group_ + o, first + p) * lds];
      kernels().multiply_add(count, out_group_, columns, patch.data(), columns, turned.data(), out_group_, sums.data(),
                             out_group_);
      for (Index p = 0; p < count; ++p)
        for (Index o = 0; o < out_group_; ++o) s[receiver(group * out_group_ + o, first + p) * lds] = sums(p, o);
    }
  }
}

void Convolution::multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  convolve(kernel_, n, y, ldy, s, lds);
}

void Convolution::absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  convolve(kernel_.cwiseAbs(), n, y, ldy, s, lds);
}

/// All channels of a place at once: each of them in its own order.
void Convolution::add_in_order(const double* y, double* s) const {
  if (in_group_ < in_) return Affine::add_in_order(y, s);
  const Matrix& turned = this->turned();
  std::vector<double> sums(at(out_));
  const auto add = [&](Index entry, Index channel, Index place) {
    const double signal = y[sender(channel, place)];
    const double* const weights = turned.data() + (entry * in_ + channel) * turned.cols();
    for (Index o = 0; o < out_; ++o) sums[at(o)] += weights[o] * signal;
  };
  for (Index p = 0; p < out_places_; ++p) {
    const Taps taps = backward_.of(p);
    for (Index o = 0; o < out_; ++o) sums[at(o)] = s[receiver(o, p)];
    if (last_) {
      for (const Tap tap : taps)
        for (Index c = 0; c < in_; ++c) add(tap.entry, c, tap.place);
    } else {
      for (Index c = 0; c < in_; ++c)
        for (const Tap tap : taps) add(tap.entry, c, tap.place);
    }
    for (Index o = 0; o < out_; ++o) s[receiver(o, p)] = sums[at(o)];
  }
}

/// Only places with a coefficient: rows of back-substitution are zero wherever a receiver does not look.
void Convolution::pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const {
  const Index columns = kernel_.cols();
  std::vector<Index> met;
  Matrix coefficients, pulled;
  for (Index r = 0; r < k; ++r)
    for (Index group = 0; group < in_ / in_group_; ++group) {
      const double* const row = a + r * lda;
      met.clear();
      for (Index p = 0; p < out_places_; ++p) {
        bool any = false;
        for (Index o = 0; o < out_group_ && !any; ++o) any = row[receiver(group * out_group_ + o, p)] != 0;
        if (any) met.push_back(p);
      }
      const auto count = static_cast<Index>(met.size());
      coefficients.resize(count, out_group_);
      for (Index n = 0; n < count; ++n)
        for (Index o = 0; o < out_group_; ++o) coefficients(n, o) = row[receiver(group * out_group_ + o, met[at(n)])];
      pulled.setZero(count, columns);
      add_product(count, columns, out_group_, coefficients.data(), out_group_,
                  kernel_.data() + group * out_group_ * columns, columns, pulled.data(), columns);
      double* const out = b + r * ldb;
      for (Index n = 0; n < count; ++n)
        for (const Tap tap : backward_.of(met[at(n)]))
          for (Index c = 0; c < in_group_; ++c)
            out[sender(group * in_group_ + c, tap.place)] +=
                pulled(n, last_ ? tap.entry * in_group_ + c : c * entries_ + tap.entry);
    }
}

double Convolution::bytes() const {
  return 8.0 * static_cast<double>(kernel_.size()) + backward_.bytes() + forward_.bytes();
}

}  // namespace withstand
