// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "withstand/affine.hpp"

namespace withstand {

/// A convolution in any number of dimensions, kept as its kernel: channel o of the result at place p is
///
///   sum over c, u of kernel(o, c, u) * channel c of the source at place  stride * p - before + dilation * u,
///
/// sources outside the image being 0. The kernel is not flipped.
class Convolution final : public Affine {
 public:
  /// One axis of the images.
  struct Axis {
    Index source = 1, result = 1;  ///< places of the two images
    Index size = 1;                ///< of the kernel
    Index stride = 1, dilation = 1;
    Index before = 0;              ///< zeros in front of the source
  };
  /// `kernel` has a row per channel of the result and a column per (channel of its group, place of the kernel), row-major.
  /// Throws std::invalid_argument where the numbers do not fit together.
  Convolution(Matrix kernel, Index groups, std::vector<Axis> axes, bool channels_last);
  /// Of a kernel that somebody else shows as well, with columns by increasing sender: where channels come last, one per
  /// (place of the kernel, channel of its group).
  Convolution(std::shared_ptr<const Matrix> kernel, Index groups, const std::vector<Axis>& axes, bool channels_last);

  const char* name() const override { return "convolutional"; }
  void terms_of_row(Index j, Terms& terms) const override;
  void terms_of_column(Index i, Terms& terms) const override;
  std::vector<Place> stored() const override;
  void shared(Index j, Index i, std::vector<Place>& places) const override;
  bool plainly_finite() const override { return kernel_.allFinite(); }
  void multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void add_in_order(const double* y, double* s) const override;
  void pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const override;
  void reach(const Few& senders, Few& receivers, Scratch& scratch) const override;
  double cost() const override { return cost_; }
  double bytes() const override;

 private:
  /// A place of the other image that the kernel connects with a place of this one.
  struct Tap {
    Index place, entry;
  };
  /// The taps of one place: a list with places that are counted from a first one.
  class Taps {
   public:
    struct Iterator {
      const Tap* tap;
      Index first;
      Tap operator*() const { return {first + tap->place, tap->entry}; }
      Iterator& operator++() { return ++tap, *this; }
      bool operator!=(const Iterator& other) const { return tap != other.tap; }
    };
    Taps(const Tap* begin, const Tap* end, Index first) : begin_(begin), end_(end), first_(first) {}
    Iterator begin() const { return {begin_, first_}; }
    Iterator end() const { return {end_, first_}; }

   private:
    const Tap *begin_, *end_;
    Index first_;
  };
  /// The taps of every place of an image. They differ at its edges and where strides end; all other places have one list.
  class Connections {
   public:
    Connections() = default;
    /// `find` lists the taps of a place, in the order in which they are gone through, with their places as they are.
    Connections(Index places, const std::function<void(Index, std::vector<Tap>&)>& find);
    Taps of(Index place) const {
      const auto p = static_cast<std::size_t>(place);
      const auto k = static_cast<std::size_t>(kind_[p]);
      return {taps_.data() + start_[k], taps_.data() + start_[k + 1], first_[p]};
    }
    double size() const;  ///< taps of all places together
    double bytes() const;

   private:
    std::vector<Tap> taps_;  // of one kind after the other
    std::vector<std::size_t> start_{0};
    std::vector<int> first_, kind_;  // of every place
  };

  static Index sources(const Matrix& kernel, Index groups, const std::vector<Axis>& axes);
  static Index results(const Matrix& kernel, const std::vector<Axis>& axes);
  template <class Where>
  static Index led(const std::vector<Axis>& axes, Index Axis::* from, Index Axis::* to, Index place, Index entry, const Where& where);
  void connect(const std::vector<Axis>& axes);
  const Matrix& turned() const;
  Index sender(Index channel, Index place) const {
    return last_ ? place * in_ + channel : channel * in_places_ + place;
  }
  Index receiver(Index channel, Index place) const {
    return last_ ? place * out_ + channel : channel * out_places_ + place;
  }
  void convolve(const Matrix& kernel, Index n, const double* y, Index ldy, double* s, Index lds) const;
  void sort(const Few& senders, Scratch& scratch) const;
  void find(Scratch& scratch) const;
  void gather(Index group, Index place, Index n, const double* y, Index ldy, double* patch) const;

  std::shared_ptr<const Matrix> held_;
  const Matrix& kernel_;  // a row per channel of the result, columns by increasing sender
  Index in_, out_;   // channels
  Index in_group_, out_group_;
  Index in_places_ = 1, out_places_ = 1, entries_ = 1;  // of the kernel: entries
  bool last_;
  Connections backward_;  // of every place of the result: where it reads
  Connections forward_;   // of every place of the source: who reads it
  double cost_ = 0;
  mutable std::once_flag once_;
  mutable Matrix turned_;  // see `turned`
};

}  // namespace withstand
