// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "withstand/affine.hpp"

namespace withstand {

/// The sum of several selections that read one source, as the windows of a mean or the two sides of a maximum: few terms for
/// every receiver, none of them a stored weight. They are added up when somebody asks for the sums.
class Sparse final : public Affine {
 public:
  /// Maps of one shape, added up.
  explicit Sparse(std::vector<std::shared_ptr<const Affine>> maps);

  const char* name() const override { return "selecting"; }
  void terms_of_row(Index j, Terms& terms) const override;
  void terms_of_column(Index i, Terms& terms) const override;
  void synapses_of_row(Index, std::vector<Index>& from) const override { from.clear(); }
  bool plainly_finite() const override { return finite_; }
  void multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const override;
  void reach(const Few& senders, Few& receivers, Scratch& scratch) const override;
  double cost() const override { return cost_; }
  double bytes() const override;

 private:
  struct Entry {
    int neuron;
    double weight;
  };
  /// The terms of every row or column, one after the other.
  struct Lists {
    std::vector<std::size_t> first;
    std::vector<Entry> entries;
  };
  /// The terms of a receiver, by sender.
  void add_up(Index j, Terms& scratch, std::map<Index, double>& row) const;
  static void show(const Lists& lists, Index neuron, Terms& terms);
  const Lists& by_row() const;
  const Lists& by_column() const;

  std::vector<std::shared_ptr<const Affine>> maps_;
  double cost_ = 0;
  bool finite_ = true;
  mutable std::once_flag row_, column_;
  mutable Lists rows_, columns_;
};

}  // namespace withstand
