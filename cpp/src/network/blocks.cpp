// SPDX-License-Identifier: MIT
#include "network/blocks.hpp"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "core/require.hpp"

namespace withstand {
namespace {

bool holds_row(const Blocks::Block& block, Index j) { return j >= block.row && j < block.row + block.map->rows(); }
bool meet(const Blocks::Block& a, const Blocks::Block& b) {
  return a.row < b.row + b.map->rows() && b.row < a.row + a.map->rows() && a.column < b.column + b.map->cols() &&
         b.column < a.column + a.map->cols();
}
bool holds_column(const Blocks::Block& block, Index i) {
  return i >= block.column && i < block.column + block.map->cols();
}

}  // namespace

Blocks::Blocks(Index rows, Index cols, std::vector<Block> blocks) : Affine(rows, cols), blocks_(std::move(blocks)) {
  std::sort(blocks_.begin(), blocks_.end(), [](const Block& a, const Block& b) {
    return std::tie(a.row, a.column) < std::tie(b.row, b.column);
  });
  for (std::size_t b = 0; b < blocks_.size(); ++b)
    for (std::size_t c = b + 1; c < blocks_.size(); ++c) overlap_ = overlap_ || meet(blocks_[b], blocks_[c]);
  for (const Block& block : blocks_)
    alone_.push_back(std::none_of(blocks_.begin(), blocks_.end(), [&](const Block& other) {
      return &other != &block && other.row < block.row + block.map->rows() && block.row < other.row + other.map->rows();
    }));
}

/// Where blocks overlap their sums may be infinite.
bool Blocks::plainly_finite() const {
  return !overlap_ && std::all_of(blocks_.begin(), blocks_.end(), [](const Block& block) { return block.map->plainly_finite(); });
}

/// Show the terms of one receiver or sender; of overlapping blocks sorted, and those of one weight added up.
void Blocks::settle(Terms& terms) const {
  if (overlap_) {
    std::vector<std::pair<Index, double>> all;
    for (std::size_t t = 0; t < terms.weights.size(); ++t) all.emplace_back(terms.senders[t], terms.weights[t]);
    std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    terms.clear();
    for (const auto& [sender, weight] : all) {
      if (!terms.senders.empty() && terms.senders.back() == sender) terms.weights.back() += weight;
      else terms.add(sender, weight);
    }
  }
  terms.show();
}

void Blocks::terms_of_row(Index j, Terms& terms) const {
  terms.clear();
  Terms some;
  for (const Block& block : blocks_) {
    if (!holds_row(block, j)) continue;
    block.map->terms_of_row(j - block.row, some);
    for (Index t = 0; t < some.size; ++t) terms.add(block.column + some.sender(t), some.weight[t]);
  }
  settle(terms);
}

void Blocks::terms_of_column(Index i, Terms& terms) const {
  terms.clear();
  Terms some;
  for (const Block& block : blocks_) {
    if (!holds_column(block, i)) continue;
    block.map->terms_of_column(i - block.column, some);
    for (Index t = 0; t < some.size; ++t) terms.add(block.row + some.sender(t), some.weight[t]);
  }
  settle(terms);
}

void Blocks::synapses_of_row(Index j, std::vector<Index>& from) const {
  from.clear();
  std::vector<Index> some;
  for (const Block& block : blocks_) {
    if (!holds_row(block, j)) continue;
    block.map->synapses_of_row(j - block.row, some);
    for (const Index i : some) from.push_back(block.column + i);
  }
  if (!overlap_) return;
  std::sort(from.begin(), from.end());
  from.erase(std::unique(from.begin(), from.end()), from.end());
}

std::vector<Affine::Place> Blocks::stored() const {
  std::vector<Place> all;
  for (const Block& block : blocks_)
    for (const Place& place : block.map->stored()) all.push_back({block.row + place.to, block.column + place.from});
  const auto before = [](const Place& a, const Place& b) { return std::tie(a.to, a.from) < std::tie(b.to, b.from); };
  std::sort(all.begin(), all.end(), before);
  return all;
}

bool Blocks::alone(Index j, Index i) const {
  if (!overlap_) return true;
  int ways = 0;
  Terms some;
  for (const Block& block : blocks_) {
    if (!holds_row(block, j) || !holds_column(block, i)) continue;
    block.map->terms_of_row(j - block.row, some);
    for (Index t = 0; t < some.size; ++t) ways += some.sender(t) == i - block.column ? 1 : 0;
  }
  return ways < 2;
}

/// Of the block that stores it: wires and selections store nothing.
void Blocks::shared(Index j, Index i, std::vector<Place>& places) const {
  const Block* found = nullptr;
  std::vector<Index> from;
  for (const Block& block : blocks_) {
    if (!holds_row(block, j) || !holds_column(block, i)) continue;
    block.map->synapses_of_row(j - block.row, from);
    if (!std::binary_search(from.begin(), from.end(), i - block.column)) continue;
    require(found == nullptr, "receiver ", j, " hears sender ", i, " through two stored weights, which add up");
    found = &block;
  }
  require(found != nullptr, "receiver ", j, " hears sender ", i, " through no stored weight");
  found->map->shared(j - found->row, i - found->column, places);
  for (Place& place : places) place = {found->row + place.to, found->column + place.from};
}

void Blocks::multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  for (const Block& block : blocks_)
    block.map->multiply_add(n, y + block.column * ldy, ldy, s + block.row * lds, lds);
}

void Blocks::absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  for (const Block& block : blocks_)
    block.map->absolute_multiply_add(n, y + block.column * ldy, ldy, s + block.row * lds, lds);
}

void Blocks::add_in_order(const double* y, double* s) const {
  for (const Block& block : blocks_) block.map->add_in_order(y + block.column, s + block.row);
}

void Blocks::pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const {
  for (const Block& block : blocks_) block.map->pull_back(k, a + block.row, lda, b + block.column, ldb);
}

/// Where several blocks lead to the same receivers, sums are added up.
void Blocks::reach(const Few& senders, Few& receivers, Scratch& scratch) const {
  scratch.grow(rows());
  if (!scratch.inner) scratch.inner = std::make_unique<Scratch>();
  std::size_t b = 0;
  scratch.apart.clear();
  for (const Block& block : blocks_) {
    Few &some = scratch.some, &found = scratch.found;
    some.clear();
    found.clear();
    for (std::size_t n = 0; n < senders.at.size(); ++n)
      if (holds_column(block, senders.at[n])) some.add(senders.at[n] - block.column, senders.value[n]);
    if (!some.at.empty()) block.map->reach(some, found, *scratch.inner);
    if (alone_[b++] != 0) {
      for (std::size_t n = 0; n < found.at.size(); ++n) scratch.apart.add(block.row + found.at[n], found.value[n]);
      continue;
    }
    for (std::size_t n = 0; n < found.at.size(); ++n) scratch.add(block.row + found.at[n], found.value[n], receivers);
  }
  scratch.deliver(receivers);
  receivers.at.insert(receivers.at.end(), scratch.apart.at.begin(), scratch.apart.at.end());
  receivers.value.insert(receivers.value.end(), scratch.apart.value.begin(), scratch.apart.value.end());
}

double Blocks::weight(Index j, Index i) const {
  double sum = 0;
  for (const Block& block : blocks_)
    if (holds_row(block, j) && holds_column(block, i)) sum += block.map->weight(j - block.row, i - block.column);
  return sum;
}

double Blocks::cost() const {
  double sum = 0;
  for (const Block& block : blocks_) sum += block.map->cost();
  return sum;
}

/// A wire's map is its own; what the layer reads with is counted where it is held.
double Blocks::bytes() const {
  double sum = 0;
  for (const Block& block : blocks_) sum += block.map->bytes();
  return sum;
}

}  // namespace withstand
