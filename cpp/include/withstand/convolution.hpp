// SPDX-License-Identifier: MIT
#pragma once

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

  const char* name() const override { return "convolutional"; }
  void terms_of_row(Index j, Terms& terms) const override;
  void terms_of_column(Index i, Terms& terms) const override;
  std::vector<Place> stored() const override;
  void shared(Index j, Index i, std::vector<Place>& places) const override;
  void multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void add_in_order(const double* y, double* s) const override;
  void pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const override;
  void reach(const Few& senders, Few& receivers, Scratch& scratch) const override;
  double cost() const override { return cost_; }
  double bytes() const override;

 private:
  /// A place of one image that the kernel connects with a place of the other.
  struct Tap {
    Index place, entry;
  };
  /// Taps of every place of an image.
  struct Taps {
    std::vector<std::size_t> first;
    std::vector<Tap> taps;
  };

  static Index sources(const Matrix& kernel, Index groups, const std::vector<Axis>& axes);
  static Index results(const Matrix& kernel, const std::vector<Axis>& axes);
  void connect(const std::vector<Axis>& axes);
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

  Matrix kernel_;    // a row per channel of the result, columns by increasing sender
  Matrix absolute_;
  Matrix turned_;    // a row per (entry, channel of the source), padded to whole vectors; of a single group
  Index in_, out_;   // channels
  Index in_group_, out_group_;
  Index in_places_ = 1, out_places_ = 1, entries_ = 1;  // of the kernel: entries
  bool last_;
  Taps backward_;    // of every place of the result: where it reads
  Taps forward_;     // of every place of the source: who reads it
  double cost_ = 0;
};

}  // namespace withstand
