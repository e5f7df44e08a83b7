// SPDX-License-Identifier: MIT
// Every affine map equals its dense matrix, whatever is asked of it.
#include <cmath>
#include <memory>
#include <random>
#include <stdexcept>

#include "check.hpp"
#include "withstand/forward.hpp"

using namespace withstand;

namespace {

std::mt19937_64 generator(7);

Matrix random(Index rows, Index cols) {
  std::normal_distribution<double> normal;
  Matrix m(rows, cols);
  for (double& entry : m.reshaped()) entry = normal(generator);
  return m;
}

/// What a map that gives nothing but its terms can do.
class Sparse final : public Affine {
 public:
  explicit Sparse(Matrix weights) : Affine(weights.rows(), weights.cols()), weights_(std::move(weights)) {
    facts_ = facts_of_terms();
  }
  const char* name() const override { return "sparse"; }
  void terms_of_row(Index j, Terms& terms) const override {
    terms.senders.clear();
    terms.weights.clear();
    for (Index i = 0; i < cols(); ++i) {
      if (weights_(j, i) == 0) continue;
      terms.senders.push_back(i);
      terms.weights.push_back(weights_(j, i));
    }
    terms.show();
  }
  double cost() const override { return static_cast<double>(weights_.size()); }

 private:
  Matrix weights_;
};

bool near(const Matrix& a, const Matrix& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() && ((a - b).array().abs() <= 1e-12 * (1 + b.array().abs())).all();
}

/// W laid out from what the map says of its rows, its columns, and its single weights.
void check_entries(const Affine& map, const Matrix& w) {
  CHECK(map.rows() == w.rows() && map.cols() == w.cols());
  Terms terms, scratch;
  Vector column;
  for (Index j = 0; j < w.rows(); ++j) {
    map.terms_of_row(j, terms);
    Vector row = Vector::Zero(w.cols());
    Index last = -1;
    for (Index t = 0; t < terms.size; ++t) {
      const Index i = terms.from == nullptr ? t : terms.from[t];
      CHECK(i > last && i < w.cols());
      row(last = i) = terms.weight[t];
    }
    CHECK(row == w.row(j).transpose());
    CHECK(Eigen::Map<const Vector>(map.row(j, scratch), w.cols()) == row);
    for (Index i = 0; i < w.cols(); ++i) CHECK(map.weight(j, i) == w(j, i));
  }
  for (Index i = 0; i < w.cols(); ++i) CHECK(Eigen::Map<const Vector>(map.column(i, column), w.rows()) == w.col(i));
  Matrix some;
  const Index first = w.cols() / 3, n = w.cols() - first;
  CHECK(Eigen::Map<const Matrix>(map.columns(first, n, some), n, w.rows()) == w.rightCols(n).transpose());
}

/// Blocks in the middle of larger ones, so that distances between rows count and nothing around a block may change.
void check_blocks(const Affine& map, const Matrix& w, Index n) {
  const Matrix y = random(w.cols(), n + 3), s = random(w.rows(), n + 2);
  for (const bool absolute : {false, true}) {
    Matrix sums = s, expected = s;
    if (absolute) map.absolute_multiply_add(n, y.data(), y.cols(), sums.data(), sums.cols());
    else map.multiply_add(n, y.data(), y.cols(), sums.data(), sums.cols());
    expected.leftCols(n) += (absolute ? Matrix(w.cwiseAbs()) : w) * y.leftCols(n);
    CHECK(near(sums, expected));
  }
  const Matrix a = random(n, w.rows() + 1), b = random(n, w.cols() + 2);
  Matrix pulled = b, expected = b;
  map.pull_back(n, a.data(), a.cols(), pulled.data(), pulled.cols());
  expected.leftCols(w.cols()) += a.leftCols(w.rows()) * w;
  CHECK(near(pulled, expected));
  std::vector<int> senders;
  for (Index c = 0; c < n; ++c) senders.push_back(static_cast<int>(c % w.cols()));
  const Vector base = random(w.rows(), 1), scale = random(n, 1);
  Matrix block = s;
  map.spread(n, base.data(), senders.data(), scale.data(), block.data(), block.cols());
  expected = s;
  for (Index c = 0; c < n; ++c) expected.col(c) = base + scale(c) * w.col(senders[static_cast<std::size_t>(c)]);
  CHECK(near(block, expected));
}

void check_vectors(const Affine& map, const Matrix& w) {
  const Vector y = random(w.cols(), 1), base = random(w.rows(), 1);
  CHECK(near(map.product(y), w * y));
  CHECK(near(map.absolute_product(y), w.cwiseAbs() * y));
  Vector block = base, alone = base, moved(w.rows());
  map.multiply_add(1, y.data(), 1, block.data(), 1);
  map.receive(y.data(), alone.data());
  CHECK(alone == block);  // bit by bit
  for (Index i = 0; i < w.cols(); ++i) {
    map.add_column(i, -0.7, base.data(), moved.data());
    CHECK(near(moved, base - 0.7 * w.col(i)));
    Vector same = base;
    map.add_column(i, -0.7, same.data(), same.data());
    CHECK(same == moved);
  }
}

void check_facts(const Affine& map, const Matrix& w) {
  const WeightFacts& facts = map.facts();
  for (Index j = 0; j < w.rows(); ++j) {
    const double sum = w.row(j).lpNorm<1>(), norm = w.row(j).norm();
    CHECK(facts.row_max(j) == w.row(j).lpNorm<Eigen::Infinity>());
    CHECK(facts.row_sum(j) >= sum && facts.row_sum(j) <= sum * (1 + 1e-12));
    CHECK(facts.row_norm(j) >= norm * (1 - 1e-15) && facts.row_norm(j) <= norm * (1 + 1e-12));
  }
  CHECK(facts.max == w.lpNorm<Eigen::Infinity>());
  CHECK(facts.grid == Dense(w).facts().grid);
}

void check_law(const Affine& map, const Matrix& w) {
  check_entries(map, w);
  for (const Index n : {1, 2, 7, 33}) check_blocks(map, w, n);
  check_vectors(map, w);
  check_facts(map, w);
  CHECK(map == Dense(w) && Dense(w) == map);
  Matrix other = w;
  other(w.rows() - 1, w.cols() - 1) += 1;
  CHECK(!(map == Dense(other)) && !(map == Dense(Matrix(w.rows() + 1, w.cols()))));
}

/// A network of maps transmits what its dense twin does, bit by bit, whatever fails; what needs matrices says so.
void check_network(const std::shared_ptr<const Affine>& map, const Matrix& w) {
  const Matrix last = random(2, w.rows());
  const std::vector<Vector> biases{random(w.rows(), 1), random(2, 1)};
  const std::vector<Activation> activations{Activation("relu"), Activation("identity")};
  const Network net({map, std::make_shared<Dense>(last)}, biases, activations), twin({w, last}, biases, activations);
  const Vector x = random(w.cols(), 1);
  for (Index i = 0; i < w.cols(); ++i) {
    const std::vector<Forced> failed{{{1, 0, i}, 0.25}};
    CHECK(forward(net, x, failed) == forward(twin, x, failed));
    CHECK(forward(net, trace(net, x), failed) == forward(twin, x, failed));
  }
  CHECK(net == twin && &Network(net).map(1) == map.get());
  CHECK(&net.dense(2) == net.map(2).matrix());
  if (map->matrix() != nullptr) return;
  const std::string refused = message_of<std::invalid_argument>([&] { net.dense(1); });
  CHECK(refused.find("layer 1") == 0 && refused.find(map->name()) != std::string::npos);
}

}  // namespace

int main() {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 1}, {3, 1}, {1, 5}, {13, 18}, {40, 33}, {300, 260}}) {
    Matrix w = random(rows, cols);
    check_law(Dense(w), w);
    check_network(std::make_shared<Dense>(w), w);
    for (double& entry : w.reshaped())
      if (entry < 0.5) entry = entry < -0.5 ? std::nearbyint(8 * entry) / 8 : 0;
    check_law(Dense(w), w);
    check_law(Sparse(w), w);
    check_network(std::make_shared<Sparse>(w), w);
  }
  const Matrix zeros = Matrix::Zero(4, 3);
  check_law(Sparse(zeros), zeros);
}
