// SPDX-License-Identifier: MIT
#include <algorithm>

#include "core/product.hpp"
#include "core/rounding.hpp"
#include "kernels/kernels.hpp"
#include "withstand/affine.hpp"

namespace withstand {
namespace {

/// The sums of `receive` and of every vector alike, bit by bit, with some rows transposed at a time: whole vector
/// registers, so that the same sums are the vectorised ones.
void by_rows(const Matrix& weights, bool absolute, Index n, const double* y, Index ldy, double* s, Index lds) {
  using Block = Eigen::Map<Matrix, 0, Eigen::OuterStride<>>;
  constexpr Index at_once = 48;
  const Matrix signals =
      Eigen::Map<const Matrix, 0, Eigen::OuterStride<>>(y, weights.cols(), n, Eigen::OuterStride<>(ldy)).transpose();
  Matrix some, sums;
  for (Index j = 0; j < weights.rows(); j += at_once) {
    const Index rows = std::min(at_once, weights.rows() - j);
    some = weights.middleRows(j, rows).transpose();
    if (absolute) some = some.cwiseAbs();
    Block target(s + j * lds, rows, n, Eigen::OuterStride<>(lds));
    sums = target.transpose();
    add_product(n, rows, weights.cols(), signals.data(), signals.cols(), some.data(), rows, sums.data(), rows);
    target = sums.transpose();
  }
}

}  // namespace

Dense::Dense(std::shared_ptr<const Matrix> weights)
    : Affine(weights->rows(), weights->cols()), held_(std::move(weights)), weights_(*held_) {}

WeightFacts Dense::find_facts() const {
  const Matrix& weight = weights_;
  WeightFacts facts;
  // A sum of n rounded terms, and a square root on top, are low by less than (n + 4) units in the last place.
  const double up = 1 + 2 * static_cast<double>(weight.cols() + 4) * unit_roundoff;
  facts.row_max = weight.cwiseAbs().rowwise().maxCoeff();
  facts.row_sum = weight.cwiseAbs().rowwise().sum() * up;
  facts.row_norm = weight.rowwise().stableNorm() * up;
  facts.row_norm = facts.row_norm.cwiseMax(facts.row_max);  // results below the normal range
  facts.max = facts.row_max.maxCoeff();
  facts.out = weight.cwiseAbs().colwise().sum().maxCoeff() * (1 + 2 * static_cast<double>(weight.rows() + 4) * unit_roundoff);
  facts.grid = grid(weight.data(), weight.size());
  facts.terms = weight.cols();
  return facts;
}

const Matrix& Dense::transposed() const {
  std::call_once(once_, [this] { transposed_ = weights_.transpose(); });
  return transposed_;
}

void Dense::terms_of_row(Index j, Terms& terms) const {
  terms.size = cols();
  terms.from = nullptr;
  terms.weight = weights_.data() + j * cols();
}

/// From the rows: who asks for single columns of a large matrix asks often, and may have it turned.
void Dense::terms_of_column(Index i, Terms& terms) const {
  terms.size = rows();
  terms.from = nullptr;
  terms.weight = transposed().data() + i * rows();
}

/// Whether a second form is no matter of memory.
bool Dense::small() const { return weights_.size() <= Index{1} << 16; }

void Dense::multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  if (n == 1 && ldy == 1 && lds == 1) return small() ? receive(y, s) : by_rows(weights_, false, n, y, ldy, s, lds);
  kernels().multiply_add(rows(), n, cols(), weights_.data(), cols(), y, ldy, s, lds);
}

void Dense::absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  by_rows(weights_, true, n, y, ldy, s, lds);
}

/// A row times the transposed weights fills whole vector registers, where a matrix times one column does not.
void Dense::receive(const double* y, double* s) const {
  kernels().multiply_add(1, rows(), cols(), y, cols(), transposed().data(), rows(), s, rows());
}

void Dense::add_in_order(const double* y, double* s) const {
  const double* weight = weights_.data();
  for (Index j = 0; j < rows(); ++j)
    for (Index i = 0; i < cols(); ++i) s[j] += *weight++ * y[i];
}

void Dense::pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const {
  add_product(k, cols(), rows(), a, lda, weights_.data(), cols(), b, ldb);
}

void Dense::add_column(Index i, double scale, const double* base, double* dst) const {
  if (small()) return kernels().axpy(rows(), scale, transposed().data() + i * rows(), base, dst);
  const Vector column = weights_.col(i);
  kernels().axpy(rows(), scale, column.data(), base, dst);
}

void Dense::spread(Index n, const double* base, const int* senders, const double* scale, double* s, Index lds) const {
  kernels().spread(rows(), n, base, weights_.data(), cols(), senders, scale, s, lds);
}

Vector Dense::product(const Vector& y) const { return weights_ * y; }

Vector Dense::absolute_product(const Vector& y) const { return weights_.cwiseAbs() * y; }

const double* Dense::column(Index i, Vector&) const { return transposed().data() + i * rows(); }

const double* Dense::columns(Index first, Index n, Matrix& scratch) const {
  if (small()) return transposed().data() + first * rows();
  scratch.resize(n, rows());
  for (Index j = 0; j < rows(); ++j)
    for (Index i = 0; i < n; ++i) scratch(i, j) = weights_(j, first + i);
  return scratch.data();
}

}  // namespace withstand
