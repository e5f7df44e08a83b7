// SPDX-License-Identifier: MIT
// What an operator can do that gives the terms of its rows and nothing else.
#include "withstand/affine.hpp"

#include <algorithm>
#include <cmath>

#include "core/rounding.hpp"

namespace withstand {

void Terms::show() {
  senders.reserve(1);  // a receiver without weights must not look like one that all senders reach
  size = static_cast<Index>(weights.size());
  from = senders.data();
  weight = weights.data();
}

std::vector<Affine::Place> Affine::stored() const {
  std::vector<Place> all;
  std::vector<Index> from;
  for (Index j = 0; j < rows(); ++j) {
    synapses_of_row(j, from);
    for (const Index i : from) all.push_back({j, i});
  }
  return all;
}

void Affine::multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    terms_of_row(j, terms);
    for (Index t = 0; t < terms.size; ++t)
      for (Index c = 0; c < n; ++c) s[j * lds + c] += terms.weight[t] * y[terms.sender(t) * ldy + c];
  }
}

void Affine::absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    terms_of_row(j, terms);
    for (Index t = 0; t < terms.size; ++t)
      for (Index c = 0; c < n; ++c) s[j * lds + c] += std::abs(terms.weight[t]) * y[terms.sender(t) * ldy + c];
  }
}

void Affine::add_in_order(const double* y, double* s) const {
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    terms_of_row(j, terms);
    for (Index t = 0; t < terms.size; ++t) s[j] += terms.weight[t] * y[terms.sender(t)];
  }
}

void Affine::pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const {
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    terms_of_row(j, terms);
    for (Index r = 0; r < k; ++r)
      for (Index t = 0; t < terms.size; ++t) b[r * ldb + terms.sender(t)] += a[r * lda + j] * terms.weight[t];
  }
}

void Affine::synapses_of_row(Index j, std::vector<Index>& from) const {
  Terms terms;
  terms_of_row(j, terms);
  from.clear();
  for (Index t = 0; t < terms.size; ++t) from.push_back(terms.sender(t));
}

void Affine::add_column(Index i, double scale, const double* base, double* dst) const {
  if (dst != base) std::copy_n(base, rows_, dst);
  Terms terms;
  terms_of_column(i, terms);
  for (Index t = 0; t < terms.size; ++t) dst[terms.sender(t)] += scale * terms.weight[t];
}

void Affine::spread(Index n, const double* base, const int* senders, const double* scale, double* s, Index lds) const {
  for (Index j = 0; j < rows_; ++j) std::fill_n(s + j * lds, n, base[j]);
  Terms terms;
  for (Index c = 0; c < n; ++c) {
    terms_of_column(senders[c], terms);
    for (Index t = 0; t < terms.size; ++t) s[terms.sender(t) * lds + c] += scale[c] * terms.weight[t];
  }
}

void Affine::Scratch::grow(Index size) {
  if (static_cast<Index>(sum.size()) >= size) return;
  sum.resize(static_cast<std::size_t>(size), 0.0);
  mark.resize(static_cast<std::size_t>(size), 0);
}

void Affine::Scratch::deliver(Few& receivers) {
  for (const Index at : receivers.at) {
    const auto j = static_cast<std::size_t>(at);
    receivers.value.push_back(sum[j]);
    sum[j] = 0;
    mark[j] = 0;
  }
}

void Affine::reach(const Few& senders, Few& receivers, Scratch& scratch) const {
  scratch.grow(rows_);
  Terms terms;
  for (std::size_t n = 0; n < senders.at.size(); ++n) {
    terms_of_column(senders.at[n], terms);
    for (Index t = 0; t < terms.size; ++t)
      scratch.add(terms.sender(t), senders.value[n] * terms.weight[t], receivers);
  }
  scratch.deliver(receivers);
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
  Terms terms;
  terms_of_column(i, terms);
  for (Index t = 0; t < terms.size; ++t) scratch(terms.sender(t)) = terms.weight[t];
  return scratch.data();
}

const double* Affine::columns(Index first, Index n, Matrix& scratch) const {
  scratch.setZero(n, rows_);
  Terms terms;
  for (Index i = 0; i < n; ++i) {
    terms_of_column(first + i, terms);
    for (Index t = 0; t < terms.size; ++t) scratch(i, terms.sender(t)) = terms.weight[t];
  }
  return scratch.data();
}

bool Affine::operator==(const Affine& other) const {
  if (rows_ != other.rows_ || cols_ != other.cols_) return false;
  Terms mine, theirs;
  for (Index j = 0; j < rows_; ++j) {
    terms_of_row(j, mine);
    other.terms_of_row(j, theirs);
    Index m = 0, t = 0;
    const auto skip = [](const Terms& terms, Index& n) {
      while (n < terms.size && terms.weight[n] == 0) ++n;  // a weight of 0 may be a term or none
    };
    for (skip(mine, m), skip(theirs, t); m < mine.size && t < theirs.size; skip(mine, ++m), skip(theirs, ++t))
      if (mine.sender(m) != theirs.sender(t) || mine.weight[m] != theirs.weight[t]) return false;
    if (m < mine.size || t < theirs.size) return false;
  }
  return true;
}

const WeightFacts& Affine::facts() const {
  std::call_once(asked_, [this] { facts_ = find_facts(); });
  return facts_;
}

WeightFacts Affine::find_facts() const {
  WeightFacts facts{Vector::Zero(rows_), Vector::Zero(rows_), Vector::Zero(rows_), 0, 0, infinity, 0};
  Vector out = Vector::Zero(cols_);
  Terms terms;
  for (Index j = 0; j < rows_; ++j) {
    terms_of_row(j, terms);
    if (terms.size == 0) continue;
    facts.terms = std::max(facts.terms, terms.size);
    const Eigen::Map<const Vector> weights(terms.weight, terms.size);
    for (Index t = 0; t < terms.size; ++t) out(terms.sender(t)) += std::abs(terms.weight[t]);
    // A sum of n rounded terms, and a square root on top, are low by less than (n + 4) units in the last place.
    const double up = 1 + 2 * static_cast<double>(terms.size + 4) * unit_roundoff;
    facts.row_max(j) = weights.cwiseAbs().maxCoeff();
    facts.row_sum(j) = weights.cwiseAbs().sum() * up;
    facts.row_norm(j) = std::max(facts.row_max(j), weights.stableNorm() * up);  // results below the normal range
    facts.grid = std::min(facts.grid, grid(terms.weight, terms.size));
  }
  facts.max = facts.row_max.maxCoeff();
  facts.out = out.maxCoeff() * (1 + 2 * static_cast<double>(rows_ + 4) * unit_roundoff);
  return facts;
}

}  // namespace withstand
