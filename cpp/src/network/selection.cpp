// SPDX-License-Identifier: MIT
#include "withstand/selection.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/index.hpp"
#include "core/require.hpp"

namespace withstand {
Selection::Selection(Index senders, const std::vector<int>& from, std::vector<double> weight)
    : Selection(senders,
                std::make_shared<const Indices>(Eigen::Map<const Indices>(from.data(), static_cast<Index>(from.size()), 1)),
                std::move(weight)) {}

Selection::Selection(Index senders, std::shared_ptr<const Indices> from, std::vector<double> weight)
    : Affine(from->size(), senders), held_(std::move(from)), from_(held_->data()), weight_(std::move(weight)) {
  require(weight_.size() <= 1 || weight_.size() == at(rows()), "a selection has ", weight_.size(), " factors for ", rows(),
          " receivers");
  for (Index j = 0; j < rows(); ++j)
    require(from_[j] >= -1 && from_[j] < senders, "a selection names sender ", from_[j], " of ", senders);
}

std::shared_ptr<const Selection> Selection::identity(Index size) {
  return std::shared_ptr<const Selection>(new Selection(size));
}

/// Made when somebody asks who reads a sender; an evaluation goes through receivers.
const Selection::Readers& Selection::readers() const {
  std::call_once(once_, [this] {
    Readers& made = readers_;
    made.first.assign(at(cols()) + 1, 0);
    for (Index j = 0; j < rows(); ++j)
      if (from_[j] >= 0) ++made.first[at(from_[j]) + 1];
    std::partial_sum(made.first.begin(), made.first.end(), made.first.begin());
    made.all.resize(at(made.first.back()));
    std::vector<int> next(made.first.begin(), made.first.end() - 1);
    for (Index j = 0; j < rows(); ++j)
      if (from_[j] >= 0) made.all[at(next[at(from_[j])]++)] = static_cast<int>(j);
  });
  return readers_;
}

bool Selection::plainly_finite() const {
  return std::all_of(weight_.begin(), weight_.end(), [](double w) { return std::isfinite(w); });
}

void Selection::terms_of_row(Index j, Terms& terms) const {
  terms.clear();
  if (from(j) >= 0) terms.add(from(j), factor(j));
  terms.show();
}

void Selection::terms_of_column(Index i, Terms& terms) const {
  terms.clear();
  if (from_ == nullptr) {
    terms.add(i, 1);
    return terms.show();
  }
  const Readers& readers = this->readers();
  for (int r = readers.first[at(i)]; r < readers.first[at(i) + 1]; ++r) terms.add(readers.all[at(r)], factor(readers.all[at(r)]));
  terms.show();
}

void Selection::multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  for (Index j = 0; j < rows(); ++j) {
    if (from(j) < 0) continue;
    const double w = factor(j);
    const double* const sent = y + from(j) * ldy;
    for (Index c = 0; c < n; ++c) s[j * lds + c] += w * sent[c];
  }
}

void Selection::absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const {
  for (Index j = 0; j < rows(); ++j) {
    if (from(j) < 0) continue;
    const double w = std::abs(factor(j));
    const double* const sent = y + from(j) * ldy;
    for (Index c = 0; c < n; ++c) s[j * lds + c] += w * sent[c];
  }
}

void Selection::add_in_order(const double* y, double* s) const {
  for (Index j = 0; j < rows(); ++j)
    if (from(j) >= 0) s[j] += factor(j) * y[from(j)];
}

void Selection::pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const {
  for (Index r = 0; r < k; ++r)
    for (Index j = 0; j < rows(); ++j)
      if (from(j) >= 0) b[r * ldb + from(j)] += a[r * lda + j] * factor(j);
}

void Selection::reach(const Few& senders, Few& receivers, Scratch&) const {
  if (from_ == nullptr) {
    receivers.at.insert(receivers.at.end(), senders.at.begin(), senders.at.end());
    receivers.value.insert(receivers.value.end(), senders.value.begin(), senders.value.end());
    return;
  }
  const Readers& readers = this->readers();
  for (std::size_t n = 0; n < senders.at.size(); ++n)
    for (int r = readers.first[at(senders.at[n])]; r < readers.first[at(senders.at[n]) + 1]; ++r)
      receivers.add(readers.all[at(r)], senders.value[n] * factor(readers.all[at(r)]));
}

double Selection::bytes() const {
  return (from_ == nullptr ? 0 : 4.0 * static_cast<double>(rows())) + 8.0 * static_cast<double>(weight_.size());
}

}  // namespace withstand
