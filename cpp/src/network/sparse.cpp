// SPDX-License-Identifier: MIT
#include "network/sparse.hpp"

#include <map>
#include <numeric>

namespace withstand {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

Sparse::Sparse(const std::vector<std::shared_ptr<const Affine>>& maps)
    : Affine(maps.front()->rows(), maps.front()->cols()), start_(at(maps.front()->cols()) + 1, 0) {
  first_.push_back(0);
  Terms terms;
  std::map<Index, double> row;
  for (Index j = 0; j < rows(); ++j) {
    row.clear();
    for (const auto& map : maps) {
      map->terms_of_row(j, terms);
      for (Index t = 0; t < terms.size; ++t) row[terms.sender(t)] += terms.weight[t];
    }
    for (const auto& [sender, weight] : row) {
      from_.push_back(sender);
      weights_.push_back(weight);
      ++start_[at(sender) + 1];
    }
    first_.push_back(from_.size());
  }
  std::partial_sum(start_.begin(), start_.end(), start_.begin());
  entries_.resize(from_.size());
  std::vector<std::size_t> next(start_.begin(), start_.end() - 1);
  for (Index j = 0; j < rows(); ++j)
    for (std::size_t t = first_[at(j)]; t < first_[at(j) + 1]; ++t) entries_[next[at(from_[t])]++] = {j, weights_[t]};
  facts_ = facts_of_terms();
}

void Sparse::terms_of_row(Index j, Terms& terms) const {
  terms.clear();
  for (std::size_t t = first_[at(j)]; t < first_[at(j) + 1]; ++t) terms.add(from_[t], weights_[t]);
  terms.show();
}

void Sparse::terms_of_column(Index i, Terms& terms) const {
  terms.clear();
  for (std::size_t t = start_[at(i)]; t < start_[at(i) + 1]; ++t) terms.add(entries_[t].receiver, entries_[t].weight);
  terms.show();
}

void Sparse::multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  for (Index j = 0; j < rows(); ++j)
    for (std::size_t t = first_[at(j)]; t < first_[at(j) + 1]; ++t)
      for (Index c = 0; c < n; ++c) s[j * lds + c] += weights_[t] * y[from_[t] * ldy + c];
}

void Sparse::pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const {
  for (Index r = 0; r < k; ++r)
    for (Index j = 0; j < rows(); ++j)
      for (std::size_t t = first_[at(j)]; t < first_[at(j) + 1]; ++t)
        b[r * ldb + from_[t]] += a[r * lda + j] * weights_[t];
}

void Sparse::reach(const Few& senders, Few& receivers, Scratch& scratch) const {
  scratch.grow(rows());
  for (std::size_t n = 0; n < senders.at.size(); ++n)
    for (std::size_t t = start_[at(senders.at[n])]; t < start_[at(senders.at[n]) + 1]; ++t)
      scratch.add(entries_[t].receiver, senders.value[n] * entries_[t].weight, receivers);
  scratch.deliver(receivers);
}

double Sparse::bytes() const {
  return 8.0 * static_cast<double>(first_.size() + from_.size() + weights_.size() + start_.size() + 2 * entries_.size());
}

}  // namespace withstand
