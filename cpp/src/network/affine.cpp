// SPDX-License-Identifier: MIT
// What an operator can do that gives the terms of its rows and nothing else.
#include "withstand/affine.hpp"

#include <algorithm>
#include <cmath>

#include "core/rounding.hpp"

namespace withstand {
namespace {

Index sender(const Terms& terms, Index t) { return terms.from == nullptr ? t : terms.from[t]; }

}  // namespace

void Terms::show() {
  senders.reserve(1);  // a receiver without weights must not look like one that all senders reach
  size = static_cast<Index>(weights.size());
  from = senders.data();
  weight = weights.data();
}

void Affine::multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    terms_of_row(j, terms);
    for (Index t = 0; t < terms.size; ++t)
      for (Index c = 0; c < n; ++c) s[j * lds + c] += terms.weight[t] * y[sender(terms, t) * ldy + c];
  }
}

void Affine::absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    terms_of_row(j, terms);
    for (Index t = 0; t < terms.size; ++t)
      for (Index c = 0; c < n; ++c) s[j * lds + c] += std::abs(terms.weight[t]) * y[sender(terms, t) * ldy + c];
  }
}

void Affine::pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const {
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    terms_of_row(j, terms);
    for (Index r = 0; r < k; ++r)
      for (Index t = 0; t < terms.size; ++t) b[r * ldb + sender(terms, t)] += a[r * lda + j] * terms.weight[t];
  }
}

void Affine::add_column(Index i, double scale, const double* base, double* dst) const {
  for (Index j = 0; j < rows_; ++j) dst[j] = base[j] + scale * weight(j, i);
}

void Affine::spread(Index n, const double* base, const int* senders, const double* scale, double* s, Index lds) const {
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    const double* weights = row(j, terms);
    for (Index c = 0; c < n; ++c) s[j * lds + c] = base[j] + scale[c] * weights[senders[c]];
  }
}

Vector Affine::product(const Vector& y) const {
  Vector sums = Vector::Zero(rows_);
  multiply_add(1, y.data(), 1, sums.data(), 1);
  return sums;
}

Vector Affine::absolute_product(const Vector& y) const {
  Vector sums = Vector::Zero(rows_);
  absolute_multiply_add(1, y.data(), 1, sums.data(), 1);
  return sums;
}

double Affine::weight(Index j, Index i) const {
  Terms terms;
  terms_of_row(j, terms);
  if (terms.from == nullptr) return terms.weight[i];
  const Index* const end = terms.from + terms.size;
  const Index* const found = std::lower_bound(terms.from, end, i);
  return found != end && *found == i ? terms.weight[found - terms.from] : 0;
}

const double* Affine::row(Index j, Terms& terms) const {
  terms_of_row(j, terms);
  if (terms.from == nullptr) return terms.weight;
  std::vector<double> all(static_cast<std::size_t>(cols_), 0.0);
  for (Index t = 0; t < terms.size; ++t) all[static_cast<std::size_t>(terms.from[t])] = terms.weight[t];
  terms.weights = std::move(all);
  terms.size = cols_;
  terms.from = nullptr;
  return terms.weight = terms.weights.data();
}

const double* Affine::column(Index i, Vector& scratch) const {
  scratch.setZero(rows_);
  add_column(i, 1, scratch.data(), scratch.data());
  return scratch.data();
}

const double* Affine::columns(Index first, Index n, Matrix& scratch) const {
  scratch.resize(n, rows_);
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    const double* const weights = row(j, terms) + first;
    for (Index i = 0; i < n; ++i) scratch(i, j) = weights[i];
  }
  return scratch.data();
}

bool Affine::operator==(const Affine& other) const {
  if (rows_ != other.rows_ || cols_ != other.cols_) return false;
  Terms mine, theirs;
  for (Index j = 0; j < rows_; ++j) {
    const double* weights = row(j, mine);
    if (!std::equal(weights, weights + cols_, other.row(j, theirs))) return false;
  }
  return true;
}

WeightFacts Affine::facts_of_terms() const {
  WeightFacts facts{Vector::Zero(rows_), Vector::Zero(rows_), Vector::Zero(rows_), 0, infinity};
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    terms_of_row(j, terms);
    if (terms.size == 0) continue;
    const Eigen::Map<const Vector> weights(terms.weight, terms.size);
    // A sum of n rounded terms, and a square root on top, are low by less than (n + 4) units in the last place.
    const double up = 1 + 2 * static_cast<double>(terms.size + 4) * unit_roundoff;
    facts.row_max(j) = weights.cwiseAbs().maxCoeff();
    facts.row_sum(j) = weights.cwiseAbs().sum() * up;
    facts.row_norm(j) = std::max(facts.row_max(j), weights.stableNorm() * up);  // results below the normal range
    facts.grid = std::min(facts.grid, grid(terms.weight, terms.size));
  }
  facts.max = facts.row_max.maxCoeff();
  return facts;
}

}  // namespace withstand
