// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <vector>

#include "withstand/affine.hpp"

namespace withstand {

/// A matrix of maps: what a layer reads of several earlier ones, and the wires beside it.
class Blocks final : public Affine {
 public:
  struct Block {
    Index row = 0, column = 0;  ///< of its first receiver and sender
    std::shared_ptr<const Affine> map;
  };
  /// Where blocks overlap their weights add up.
  Blocks(Index rows, Index cols, std::vector<Block> blocks);

  const char* name() const override { return "branching"; }
  void terms_of_row(Index j, Terms& terms) const override;
  void terms_of_column(Index i, Terms& terms) const override;
  void synapses_of_row(Index j, std::vector<Index>& from) const override;
  std::vector<Place> stored() const override;
  bool alone(Index j, Index i) const override;
  bool plainly_finite() const override;
  void shared(Index j, Index i, std::vector<Place>& places) const override;
  void multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void add_in_order(const double* y, double* s) const override;
  void pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const override;
  void reach(const Few& senders, Few& receivers, Scratch& scratch) const override;
  double weight(Index j, Index i) const override;
  double cost() const override;
  double bytes() const override;

 private:
  void settle(Terms& terms) const;

  std::vector<Block> blocks_;  // by row, then by column
  std::vector<char> alone_;    // whether no other block leads to its receivers
  bool overlap_ = false;
};

}  // namespace withstand
