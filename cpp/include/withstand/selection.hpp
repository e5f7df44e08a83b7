// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "withstand/affine.hpp"

namespace withstand {

/// A map of which every receiver reads one sender, or none, times a factor: identity, slices, pads, transposes.
class Selection final : public Affine {
 public:
  /// `from[j]` is the sender of receiver j, -1 for none; `weight` has a factor of each, or one for all of them, or is empty
  /// where that is 1. Throws std::invalid_argument for a sender that does not exist.
  Selection(Index senders, const std::vector<int>& from, std::vector<double> weight = {});
  /// Of senders that somebody else shows as well, row by row.
  Selection(Index senders, std::shared_ptr<const Indices> from, std::vector<double> weight);
  /// Every receiver reads the sender of its number. Nothing is stored.
  static std::shared_ptr<const Selection> identity(Index size);

  const char* name() const override { return "selecting"; }
  void terms_of_row(Index j, Terms& terms) const override;
  void terms_of_column(Index i, Terms& terms) const override;
  void synapses_of_row(Index, std::vector<Index>& from) const override { from.clear(); }
  bool plainly_finite() const override;
  void multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void add_in_order(const double* y, double* s) const override;
  void pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const override;
  void reach(const Few& senders, Few& receivers, Scratch& scratch) const override;
  double cost() const override { return static_cast<double>(rows()); }
  double bytes() const override;

 private:
  /// The receivers of every sender.
  struct Readers {
    std::vector<int> first, all;
  };
  explicit Selection(Index size) : Affine(size, size) {}
  Index from(Index j) const { return from_ == nullptr ? j : from_[j]; }
  double factor(Index j) const { return weight_.empty() ? 1 : weight_[weight_.size() > 1 ? static_cast<std::size_t>(j) : 0]; }
  const Readers& readers() const;

  std::shared_ptr<const Indices> held_;
  const int* from_ = nullptr;  // null for an identity
  std::vector<double> weight_;
  mutable std::once_flag once_;
  mutable Readers readers_;
};

}  // namespace withstand
