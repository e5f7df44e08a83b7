// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "check.hpp"
#include "withstand/affine.hpp"

// The law of maps: every one equals its dense matrix, whatever is asked of it.
namespace law {

using namespace withstand;

inline std::mt19937_64& generator() {
  static std::mt19937_64 engine(7);
  return engine;
}

inline Matrix random(Index rows, Index cols) {
  std::normal_distribution<double> normal;
  Matrix m(rows, cols);
  for (double& entry : m.reshaped()) entry = normal(generator());
  return m;
}

/// Multiples of 1/8 of which sums are exact, a third of them 0.
inline Matrix eighths(Index rows, Index cols) {
  std::uniform_int_distribution<int> integer(-12, 12);
  Matrix m(rows, cols);
  for (double& entry : m.reshaped()) {
    const int drawn = integer(generator());
    entry = drawn % 3 == 0 ? 0 : drawn / 8.0;
  }
  return m;
}

inline bool near(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && ((a - b).array().abs() <= 1e-12 * (1 + b.array().abs())).all();
}

/// A vector of the map's, laid out.
inline Vector laid_out(const Terms& terms, Index size) {
  Vector all = Vector::Zero(size);
  Index last = -1;
  for (Index t = 0; t < terms.size; ++t) {
    CHECK(terms.sender(t) > last && terms.sender(t) < size);
    all(last = terms.sender(t)) = terms.weight[t];
  }
  return all;
}

/// W laid out from what the map says of its rows, its columns, and its single weights.
inline void check_entries(const Affine& map, const Matrix& w) {
  CHECK(map.rows() == w.rows() && map.cols() == w.cols());
  Terms terms, scratch;
  Vector column;
  for (Index j = 0; j < w.rows(); ++j) {
    map.terms_of_row(j, terms);
    CHECK(laid_out(terms, w.cols()) == w.row(j).transpose());
    CHECK(Eigen::Map<const Vector>(map.row(j, scratch), w.cols()) == w.row(j).transpose());
    for (Index i = 0; i < w.cols(); ++i) CHECK(map.weight(j, i) == w(j, i));
  }
  for (Index i = 0; i < w.cols(); ++i) {
    map.terms_of_column(i, terms);
    CHECK(laid_out(terms, w.rows()) == w.col(i));
    CHECK(Eigen::Map<const Vector>(map.column(i, column), w.rows()) == w.col(i));
  }
  Matrix some;
  const Index first = w.cols() / 3, n = w.cols() - first;
  CHECK(Eigen::Map<const Matrix>(map.columns(first, n, some), n, w.rows()) == w.rightCols(n).transpose());
}

/// Blocks in the middle of larger ones, so that distances between rows count and nothing around a block may change.
inline void check_blocks(const Affine& map, const Matrix& w, const Matrix& sizes, Index n) {
  const Matrix y = random(w.cols(), n + 3), s = random(w.rows(), n + 2);
  for (const bool absolute : {false, true}) {
    Matrix sums = s, expected = s;
    if (absolute) map.absolute_multiply_add(n, y.data(), y.cols(), sums.data(), sums.cols());
    else map.multiply_add(n, y.data(), y.cols(), sums.data(), sums.cols());
    expected.leftCols(n) += (absolute ? sizes : w) * y.leftCols(n);
    CHECK(near(sums, expected));
  }
  const Matrix a = random(n, w.rows() + 1), b = random(n, w.cols() + 2);
  for (const bool sparse : {false, true}) {
    Matrix coefficients = a;
    if (sparse) coefficients = (a.array() > 0.8).select(a, 0.0);
    Matrix pulled = b, expected = b;
    map.pull_back(n, coefficients.data(), coefficients.cols(), pulled.data(), pulled.cols());
    expected.leftCols(w.cols()) += coefficients.leftCols(w.rows()) * w;
    CHECK(near(pulled, expected));
  }
  std::vector<int> senders;
  for (Index c = 0; c < n; ++c) senders.push_back(static_cast<int>(c % w.cols()));
  const Vector base = random(w.rows(), 1), scale = random(n, 1);
  Matrix block = s, expected = s;
  map.spread(n, base.data(), senders.data(), scale.data(), block.data(), block.cols());
  for (Index c = 0; c < n; ++c) expected.col(c) = base + scale(c) * w.col(senders[static_cast<std::size_t>(c)]);
  CHECK(near(block, expected));
}

/// `in_order`: the canonical sums are the dense matrix's bit by bit.
inline void check_vectors(const Affine& map, const Matrix& w, const Matrix& sizes, bool in_order) {
  const Vector y = random(w.cols(), 1), base = random(w.rows(), 1);
  CHECK(near(map.product(y), w * y));
  CHECK(near(map.absolute_product(y), sizes * y));
  Vector block = base, alone = base, ordered = base, expected = base, moved(w.rows());
  map.multiply_add(1, y.data(), 1, block.data(), 1);
  map.receive(y.data(), alone.data());
  CHECK(alone == block);  // bit by bit
  map.add_in_order(y.data(), ordered.data());
  for (Index j = 0; j < w.rows(); ++j)
    for (Index i = 0; i < w.cols(); ++i) expected(j) += w(j, i) * y(i);
  CHECK(in_order ? ordered == expected : near(ordered, expected));
  for (Index i = 0; i < w.cols(); ++i) {
    map.add_column(i, -0.7, base.data(), moved.data());
    CHECK(near(moved, base - 0.7 * w.col(i)));
    Vector same = base;
    map.add_column(i, -0.7, same.data(), same.data());
    CHECK(same == moved);
  }
}

/// Changes of no senders, of one, of some and of all, in any order, with memory that other calls have used before.
inline void check_reach(const Affine& map, const Matrix& w, Affine::Scratch& scratch) {
  for (const double share : {0.0, 0.1, 0.5, 1.0}) {
    std::vector<Index> order(static_cast<std::size_t>(w.cols()));
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
    std::shuffle(order.begin(), order.end(), generator());
    const auto count = static_cast<std::size_t>(std::ceil(share * static_cast<double>(order.size())));
    Few senders, receivers;
    Vector change = Vector::Zero(w.cols()), reached = Vector::Zero(w.rows());
    for (std::size_t n = 0; n < count; ++n) {
      senders.add(order[n], random(1, 1)(0));
      change(order[n]) = senders.value.back();
    }
    map.reach(senders, receivers, scratch);
    CHECK(receivers.at.size() == receivers.value.size());
    std::vector<char> named(static_cast<std::size_t>(w.rows()), 0);
    for (std::size_t n = 0; n < receivers.at.size(); ++n) {
      CHECK(named[static_cast<std::size_t>(receivers.at[n])]++ == 0);
      reached(receivers.at[n]) = receivers.value[n];
    }
    CHECK(near(reached, w * change));
    for (const double sum : scratch.sum) CHECK(sum == 0);
    for (const char mark : scratch.mark) CHECK(mark == 0);
  }
}

inline void check_facts(const Affine& map, const Matrix& w) {
  const WeightFacts& facts = map.facts();
  Index terms = 0;
  for (Index j = 0; j < w.rows(); ++j) {
    const double sum = w.row(j).lpNorm<1>(), norm = w.row(j).norm();
    CHECK(facts.row_max(j) == w.row(j).lpNorm<Eigen::Infinity>());
    CHECK(facts.row_sum(j) >= sum && facts.row_sum(j) <= sum * (1 + 1e-12));
    CHECK(facts.row_norm(j) >= norm * (1 - 1e-15) && facts.row_norm(j) <= norm * (1 + 1e-12));
    terms = std::max(terms, static_cast<Index>((w.row(j).array() != 0).count()));
  }
  CHECK(facts.max == w.lpNorm<Eigen::Infinity>());
  CHECK(facts.grid == Dense(w).facts().grid);
  CHECK(facts.terms >= terms && facts.terms <= w.cols());
}

/// What holds of every map. `sizes` is what a product of absolute weights multiplies with: of a map that adds up
/// weights, their absolute values added up. Canonical sums are by increasing sender but where weights are added up.
inline void check(const Affine& map, const Matrix& w, const Matrix& sizes, bool in_order = false) {
  check_entries(map, w);
  for (const Index n : {1, 2, 7, 33}) check_blocks(map, w, sizes, n);
  check_vectors(map, w, sizes, in_order);
  static Affine::Scratch scratch;
  check_reach(map, w, scratch);
  check_facts(map, w);
  CHECK(map == Dense(w) && Dense(w) == map);
  Matrix other = w;
  other(w.rows() - 1, w.cols() - 1) += 1;
  CHECK(!(map == Dense(other)) && !(map == Dense(Matrix(w.rows() + 1, w.cols()))));
  CHECK(map.cost() >= 0 && map.bytes() >= 0);
}

inline void check(const Affine& map, const Matrix& w) { check(map, w, w.cwiseAbs(), true); }

/// Which products with receivers are synapses: those where `stored` is not 0.
inline void check_synapses(const Affine& map, const Matrix& stored) {
  std::vector<Index> found, expected;
  for (Index j = 0; j < stored.rows(); ++j) {
    map.synapses_of_row(j, found);
    expected.clear();
    for (Index i = 0; i < stored.cols(); ++i)
      if (stored(j, i) != 0) expected.push_back(i);
    CHECK(found == expected);
  }
}

}  // namespace law
