// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "withstand/affine.hpp"

namespace withstand {

/// The sum of several selections that read one source, as the windows of a mean or the two sides of a maximum: few terms for
/// every receiver, none of them a stored weight.
class Sparse final : public Affine {
 public:
  /// Maps of one shape, added up.
  explicit Sparse(const std::vector<std::shared_ptr<const Affine>>& maps);

  const char* name() const override { return "selecting"; }
  void terms_of_row(Index j, Terms& terms) const override;
  void terms_of_column(Index i, Terms& terms) const override;
  void synapses_of_row(Index, std::vector<Index>& from) const override { from.clear(); }
  void multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const override;
  void reach(const Few& senders, Few& receivers, Scratch& scratch) const override;
  double cost() const override { return static_cast<double>(weights_.size()); }
  double bytes() const override;

 private:
  struct Entry {
    Index receiver;
    double weight;
  };
  std::vector<std::size_t> first_;  // of every receiver
  std::vector<Index> from_;
  std::vector<double> weights_;
  std::vector<std::size_t> start_;  // of every sender
  std::vector<Entry> entries_;
};

}  // namespace withstand
