// SPDX-License-Identifier: MIT
#include "network/sparse.hpp"

#include <cmath>
#include <numeric>

#include "core/index.hpp"

namespace withstand {
Sparse::Sparse(std::vector<std::shared_ptr<const Affine>> maps)
    : Affine(maps.front()->rows(), maps.front()->cols()), maps_(std::move(maps)) {
  Terms terms;
  std::map<Index, double> row;
  for (Index j = 0; j < rows(); ++j) {
    add_up(j, terms, row);
    cost_ += static_cast<double>(row.size());
    for (const auto& [sender, weight] : row) finite_ = finite_ && std::isfinite(weight);
  }
}

void Sparse::add_up(Index j, Terms& scratch, std::map<Index, double>& row) const {
  row.clear();
  for (const auto& map : maps_) {
    map->terms_of_row(j, scratch);
    for (Index t = 0; t < scratch.size; ++t) row[scratch.sender(t)] += scratch.weight[t];
  }
}

const Sparse::Lists& Sparse::by_row() const {
  std::call_once(row_, [this] {
    Terms terms;
    std::map<Index, double> row;
    rows_.entries.reserve(static_cast<std::size_t>(cost_));
    rows_.first.push_back(0);
    for (Index j = 0; j < rows(); ++j) {
      add_up(j, terms, row);
      for (const auto& [sender, weight] : row) rows_.entries.push_back({static_cast<int>(sender), weight});
      rows_.first.push_back(rows_.entries.size());
    }
  });
  return rows_;
}

const Sparse::Lists& Sparse::by_column() const {
  std::call_once(column_, [this] {
    const Lists& rows = by_row();
    columns_.first.assign(at(cols()) + 1, 0);
    for (const Entry& entry : rows.entries) ++columns_.first[at(entry.neuron) + 1];
    std::partial_sum(columns_.first.begin(), columns_.first.end(), columns_.first.begin());
    columns_.entries.resize(rows.entries.size());
    std::vector<std::size_t> next(columns_.first.begin(), columns_.first.end() - 1);
    for (Index j = 0; j < this->rows(); ++j)
      for (std::size_t t = rows.first[at(j)]; t < rows.first[at(j) + 1]; ++t) {
        const Entry& entry = rows.entries[t];
        columns_.entries[next[at(entry.neuron)]++] = {static_cast<int>(j), entry.weight};
      }
  });
  return columns_;
}

void Sparse::show(const Lists& lists, Index neuron, Terms& terms) {
  terms.clear();
  for (std::size_t t = lists.first[at(neuron)]; t < lists.first[at(neuron) + 1]; ++t)
    terms.add(lists.entries[t].neuron, lists.entries[t].weight);
  terms.show();
}

void Sparse::terms_of_row(Index j, Terms& terms) const { show(by_row(), j, terms); }

void Sparse::terms_of_column(Index i, Terms& terms) const { show(by_column(), i, terms); }

void Sparse::multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  const Lists& lists = by_row();
  for (Index j = 0; j < rows(); ++j)
    for (std::size_t t = lists.first[at(j)]; t < lists.first[at(j) + 1]; ++t)
      for (Index c = 0; c < n; ++c) s[j * lds + c] += lists.entries[t].weight * y[lists.entries[t].neuron * ldy + c];
}

void Sparse::pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const {
  const Lists& lists = by_row();
  for (Index r = 0; r < k; ++r)
    for (Index j = 0; j < rows(); ++j)
      for (std::size_t t = lists.first[at(j)]; t < lists.first[at(j) + 1]; ++t)
        b[r * ldb + lists.entries[t].neuron] += a[r * lda + j] * lists.entries[t].weight;
}

void Sparse::reach(const Few& senders, Few& receivers, Scratch& scratch) const {
  scratch.grow(rows());
  const Lists& lists = by_column();
  for (std::size_t n = 0; n < senders.at.size(); ++n)
    for (std::size_t t = lists.first[at(senders.at[n])]; t < lists.first[at(senders.at[n]) + 1]; ++t)
      scratch.add(lists.entries[t].neuron, senders.value[n] * lists.entries[t].weight, receivers);
  scratch.deliver(receivers);
}

double Sparse::bytes() const {
  double sum = 0;
  for (const auto& map : maps_) sum += map->bytes();
  return sum;
}

}  // namespace withstand
