// SPDX-License-Identifier: MIT
// Selections, and maps made of others, equal their dense matrices; where blocks meet, weights add up.
#include <memory>
#include <stdexcept>

#include "law.hpp"
#include "network/blocks.hpp"
#include "withstand/convolution.hpp"
#include "withstand/selection.hpp"

using namespace withstand;
using Map = std::shared_ptr<const Affine>;

namespace {

Matrix selected(Index senders, const std::vector<int>& from, const std::vector<double>& weight) {
  Matrix w = Matrix::Zero(static_cast<Index>(from.size()), senders);
  for (std::size_t j = 0; j < from.size(); ++j)
    if (from[j] >= 0) w(static_cast<Index>(j), from[j]) = weight.empty() ? 1 : weight[weight.size() > 1 ? j : 0];
  return w;
}

void check_selection(Index senders, const std::vector<int>& from, const std::vector<double>& weight = {}) {
  const Selection map(senders, from, weight);
  const Matrix w = selected(senders, from, weight);
  law::check(map, w);
  law::check_synapses(map, Matrix::Zero(w.rows(), w.cols()));
}

void check_selections() {
  check_selection(1, {0});
  check_selection(3, {-1, -1});
  check_selection(4, {3, 2, 1, 0});
  check_selection(5, {2, -1, 2, 4, 2, 0}, {0.5, 3, -2, 1, 0, -0.25});
  check_selection(40, {39, 1, 1, 7, -1, 38, 0, 22, 22, 22, 5, -1, 13});
  check_selection(3, {2, -1, 2, 0}, {-0.5});
  law::check(*Selection::identity(6), Matrix::Identity(6, 6));
  const auto refused = [](const std::vector<int>& from, const std::vector<double>& weight, const char* words) {
    const auto make = [&] { Selection(3, from, weight); };
    return message_of<std::invalid_argument>(make).find(words) != std::string::npos;
  };
  CHECK(refused({0, 3}, {}, "sender 3 of 3") && refused({-2}, {}, "sender -2"));
  CHECK(refused({0, 1, 2}, {1, 1}, "2 factors for 3"));
}

/// Maps of blocks, beside the matrices that they are made of.
class Made {
 public:
  Made(Index rows, Index cols) : dense_(Matrix::Zero(rows, cols)), sizes_(dense_), stored_(dense_) {}
  void add(Index row, Index column, const Map& map, const Matrix& w, bool synapses) {
    blocks_.push_back({row, column, map});
    dense_.block(row, column, w.rows(), w.cols()) += w;
    sizes_.block(row, column, w.rows(), w.cols()) += w.cwiseAbs();
    if (synapses) stored_.block(row, column, w.rows(), w.cols()) += Matrix::Ones(w.rows(), w.cols());
  }
  void dense(Index row, Index column, const Matrix& w) { add(row, column, std::make_shared<const Dense>(w), w, true); }
  void wires(Index row, Index column, Index size) {
    add(row, column, Selection::identity(size), Matrix::Identity(size, size), false);
  }
  void check(bool overlap) const {
    const Blocks map(dense_.rows(), dense_.cols(), blocks_);
    law::check(map, dense_, sizes_, !overlap);
    law::check_synapses(map, stored_);
    double bytes = 0, cost = 0;
    for (const Blocks::Block& block : blocks_) bytes += block.map->bytes(), cost += block.map->cost();
    CHECK(map.bytes() == bytes && map.cost() == cost);
  }

 private:
  std::vector<Blocks::Block> blocks_;
  Matrix dense_, sizes_, stored_;
};

/// Blocks side by side, one below the other, and receivers and senders that none has; given in any order.
void check_apart() {
  Made made(9, 12);
  made.wires(5, 2, 3);
  made.dense(0, 7, law::random(4, 5));
  made.dense(0, 0, law::random(4, 2));
  made.check(false);
  Made single(3, 4);
  single.dense(1, 1, law::random(1, 2));
  single.check(false);
}

/// Two reads of one source, and reads that share a part of theirs.
void check_overlaps() {
  Made twice(4, 5);
  twice.dense(0, 0, law::eighths(4, 5));
  twice.dense(0, 0, law::eighths(4, 5));
  twice.check(true);
  Made shared(7, 6);
  shared.wires(0, 1, 4);
  shared.dense(0, 0, law::eighths(4, 4));
  shared.dense(2, 3, law::eighths(5, 3));
  shared.wires(4, 0, 3);
  shared.check(true);
}

/// A residual convolution with wires beside it, and blocks of blocks.
void check_nested() {
  const Convolution::Axis axis{4, 4, 3, 1, 1, 1};
  const auto conv = std::make_shared<const Convolution>(law::eighths(2, 6), 1, std::vector{axis}, false);
  Matrix w(8, 8), scratch;
  w = Eigen::Map<const Matrix>(conv->columns(0, 8, scratch), 8, 8).transpose();
  const std::vector<Blocks::Block> blocks{{0, 0, conv}, {0, 0, Selection::identity(8)}, {8, 8, Selection::identity(3)}};
  Matrix all = Matrix::Zero(11, 11), sizes = all;
  all.topLeftCorner(8, 8) = w + Matrix::Identity(8, 8);
  sizes.topLeftCorner(8, 8) = w.cwiseAbs() + Matrix::Identity(8, 8);
  all.bottomRightCorner(3, 3) = sizes.bottomRightCorner(3, 3) = Matrix::Identity(3, 3);
  const auto inner = std::make_shared<const Blocks>(11, 11, blocks);
  law::check(*inner, all, sizes);
  const Blocks outer(13, 12, {{1, 1, inner}, {0, 0, Selection::identity(1)}});
  Matrix around = Matrix::Zero(13, 12), around_sizes = around;
  around.block(1, 1, 11, 11) = all;
  around_sizes.block(1, 1, 11, 11) = sizes;
  around(0, 0) = around_sizes(0, 0) = 1;
  law::check(outer, around, around_sizes);
}

}  // namespace

int main() {
  check_selections();
  check_apart();
  check_overlaps();
  check_nested();
}
