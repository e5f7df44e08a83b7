// SPDX-License-Identifier: MIT
#include "withstand/selection.hpp"

#include <cmath>
#include <numeric>

#include "core/require.hpp"

namespace withstand {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

Selection::Selection(Index senders, std::vector<Index> from, std::vector<double> weight)
    : Affine(static_cast<Index>(from.size()), senders), from_(std::move(from)), weight_(std::move(weight)) {
  require(weight_.empty() || weight_.size() == from_.size(), "a selection has ", weight_.size(), " factors for ",
          from_.size(), " receivers");
  first_.assign(at(senders) + 1, 0);
  for (const Index i : from_) {
    require(i >= -1 && i < senders, "a selection names sender ", i, " of ", senders);
    if (i >= 0) ++first_[at(i) + 1];
  }
  std::partial_sum(first_.begin(), first_.end(), first_.begin());
  std::vector<Index> next(first_.begin(), first_.end() - 1);
  readers_.resize(at(first_.back()));
  for (std::size_t j = 0; j < from_.size(); ++j)
    if (from_[j] >= 0) readers_[at(next[at(from_[j])]++)] = static_cast<Index>(j);
  facts_ = facts_of_terms();
}

std::shared_ptr<const Selection> Selection::identity(Index size) {
  std::vector<Index> from(at(size));
  std::iota(from.begin(), from.end(), Index{0});
  return std::make_shared<const Selection>(size, std::move(from));
}

void Selection::terms_of_row(Index j, Terms& terms) const {
  terms.clear();
  if (from_[at(j)] >= 0) terms.add(from_[at(j)], factor(j));
  terms.show();
}

void Selection::terms_of_column(Index i, Terms& terms) const {
  terms.clear();
  for (Index r = first_[at(i)]; r < first_[at(i) + 1]; ++r) terms.add(readers_[at(r)], factor(readers_[at(r)]));
  terms.show();
}

void Selection::multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  for (Index j = 0; j < rows(); ++j) {
    if (from_[at(j)] < 0) continue;
    const double w = factor(j);
    const double* const sent = y + from_[at(j)] * ldy;
    for (Index c = 0; c < n; ++c) s[j * lds + c] += w * sent[c];
  }
}

void Selection::absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  for (Index j = 0; j < rows(); ++j) {
    if (from_[at(j)] < 0) continue;
    const double w = std::abs(factor(j));
    const double* const sent = y + from_[at(j)] * ldy;
    for (Index c = 0; c < n; ++c) s[j * lds + c] += w * sent[c];
  }
}

void Selection::add_in_order(const double* y, double* s) const {
  for (Index j = 0; j < rows(); ++j)
    if (from_[at(j)] >= 0) s[j] += factor(j) * y[from_[at(j)]];
}

void Selection::pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const {
  for (Index r = 0; r < k; ++r)
    for (Index j = 0; j < rows(); ++j)
      if (from_[at(j)] >= 0) b[r * ldb + from_[at(j)]] += a[r * lda + j] * factor(j);
}

void Selection::reach(const Few& senders, Few& receivers, Scratch&) const {
  for (std::size_t n = 0; n < senders.at.size(); ++n)
    for (Index r = first_[at(senders.at[n])]; r < first_[at(senders.at[n]) + 1]; ++r)
      receivers.add(readers_[at(r)], senders.value[n] * factor(readers_[at(r)]));
}

double Selection::bytes() const {
  return 8.0 * static_cast<double>(from_.size() + weight_.size() + first_.size() + readers_.size());
}

}  // namespace withstand
