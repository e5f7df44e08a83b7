// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "withstand/affine.hpp"

namespace withstand {

/// A map of which every receiver reads one sender, or none, times a factor: identity, slices, pads, transposes.
class Selection final : public Affine {
 public:
  /// `from[j]` is the sender of receiver j, -1 for none; `weight` is empty where every factor is 1.
  /// Throws std::invalid_argument for a sender that does not exist.
  Selection(Index senders, std::vector<Index> from, std::vector<double> weight = {});
  static std::shared_ptr<const Selection> identity(Index size);

  const char* name() const override { return "selecting"; }
  void terms_of_row(Index j, Terms& terms) const override;
  void terms_of_column(Index i, Terms& terms) const override;
  void synapses_of_row(Index, std::vector<Index>& from) const override { from.clear(); }
  void multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void add_in_order(const double* y, double* s) const override;
  void pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const override;
  void reach(const Few& senders, Few& receivers, Scratch& scratch) const override;
  double cost() const override { return static_cast<double>(rows()); }
  double bytes() const override;

 private:
  double factor(Index j) const { return weight_.empty() ? 1 : weight_[static_cast<std::size_t>(j)]; }

  std::vector<Index> from_;
  std::vector<double> weight_;
  std::vector<Index> first_, readers_;  // the receivers of every sender
};

}  // namespace withstand
