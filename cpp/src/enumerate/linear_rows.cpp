// SPDX-License-Identifier: MIT
#include "linear_rows.hpp"

#include <algorithm>
#include <numeric>

#include "withstand/kernels.hpp"

namespace withstand {
namespace {

/// n in whole vectors.
Index padded(Index n) {
  const Index lanes = kernels().lanes;
  return (n + lanes - 1) / lanes * lanes;
}

}  // namespace

LinearRows::LinearRows(const Problem& problem)
    : problem_(problem), net_(problem.network), grid_(problem.grid), lanes_(problem.grid.space().terms().size()) {
  nodes_.resize(static_cast<std::size_t>(net_.widest() + Response::padding));
  outputs_.resize(static_cast<std::size_t>(net_.outputs()));
  std::iota(outputs_.begin(), outputs_.end(), 0);
}

void LinearRows::begin(Walk& walk, const Response& response, const std::vector<Choice>& choices) {
  walk_ = &walk;
  response_ = &response;
  const auto stage = static_cast<std::size_t>(choices.back().stage);
  layer_ = grid_.stages()[stage].layer;
  rows_.reset(outputs_.size() + grid_.stages()[stage].sites.size(), choices.size());
  for (Lanes& lanes : lanes_) lanes.entered = 0;
}

void LinearRows::evaluate(const Walker::Run& run, const std::vector<Choice>& choices, std::uint64_t offset,
                          Judge& judge) {
  bool known = false;
  double* row = rows_.find(walk_->effective(), static_cast<std::uint64_t>(run.term), known);
  if (!known) compute(run, choices, judge, row);
  if (judge.any_matters(walk_->input(), row)) {
    if (known) {
      scratch_.resize(outputs_.size() + grid_.stages()[static_cast<std::size_t>(run.stage)].sites.size());
      compute(run, choices, judge, scratch_.data());
    }
    inspect(run, offset, judge);
  }
  judge.row(walk_->input(), offset, run.last - run.first, row + outputs_.size() + run.first);
}

/// A row begins behind the last effective failure of its stage, so that every prefix it stands for finds its part.
Index LinearRows::first_member(const Walker::Run& run) const {
  const auto& effective = walk_->effective();
  if (effective.empty() || ((effective.back() >> 16U) & 0xffffU) != static_cast<std::uint64_t>(run.stage)) return 0;
  const auto& members = grid_.stages()[static_cast<std::size_t>(run.stage)].members[static_cast<std::size_t>(run.term)];
  const auto position = static_cast<int>(effective.back() >> 32U);
  return std::upper_bound(members.begin(), members.end(), position) - members.begin();
}

/// The block of harms of the row just computed holds a candidate for the worst value of an output.
void LinearRows::inspect(const Walker::Run& run, std::uint64_t offset, Judge& judge) {
  const Lanes& lanes = lanes_[static_cast<std::size_t>(run.term)];
  for (Index o = 0; o < net_.outputs(); ++o) {
    const double* row = block_.data() + o * stride_;
    if (!judge.matters(walk_->input(), o, *std::max_element(row, row + width_))) continue;
    members_.resize(lanes.lane_of.size());
    expand(lanes, row, members_.data());
    judge.inspect(walk_->input(), o, offset, run.last - run.first, members_.data() + run.first);
  }
}

/// From lanes to members: those without effect have the value of the last lane.
void LinearRows::expand(const Lanes& lanes, const double* values, double* members) const {
  const auto last = static_cast<Index>(lanes.members.size());
  std::fill_n(members, lanes.lane_of.size(), values[last - from_]);
  for (Index lane = from_; lane < last; ++lane)
    members[lanes.members[static_cast<std::size_t>(lane)]] = values[lane - from_];
}

LinearRows::Lanes& LinearRows::lanes(const Walker::Run& run) {
  Lanes& lanes = lanes_[static_cast<std::size_t>(run.term)];
  if (lanes.entered == walk_->entered()) return lanes;
  lanes.entered = walk_->entered();
  const Vector& effect = walk_->last().effect[static_cast<std::size_t>(run.term)];
  const auto& nodes = walk_->nodes(static_cast<std::size_t>(run.stage), static_cast<std::size_t>(run.term));
  lanes.members.clear();
  lanes.lane_of.assign(nodes.size(), 0);
  for (Index m = 0; m < effect.size(); ++m) {
    lanes.lane_of[static_cast<std::size_t>(m)] = static_cast<Index>(lanes.members.size());
    if (effect(m) != 0) lanes.members.push_back(m);
  }
  const auto n = static_cast<Index>(lanes.members.size());
  const Matrix& responses = response_->of(layer_);
  lanes.column.setZero(n + 1, responses.cols());
  for (Index i = 0; i < n; ++i) {
    const Index m = lanes.members[static_cast<std::size_t>(i)];
    lanes.column.row(i) = effect(m) * responses.row(nodes[static_cast<std::size_t>(m)]);
  }
  lanes.lowest = lanes.column;
  lanes.highest = lanes.column;
  for (Index i = n; i-- > 0;) {
    lanes.lowest.row(i) = lanes.lowest.row(i).cwiseMin(lanes.lowest.row(i + 1));
    lanes.highest.row(i) = lanes.highest.row(i).cwiseMax(lanes.highest.row(i + 1));
  }
  lanes.stride = padded(n + 1) + Response::padding;
  lanes.across.assign(static_cast<std::size_t>(lanes.stride * responses.cols()), 0.0);
  for (Index j = 0; j < responses.cols(); ++j)
    for (Index i = 0; i < n; ++i)
      lanes.across[static_cast<std::size_t>(j * lanes.stride + i)] = lanes.column(i, j);
  return lanes;
}

void LinearRows::compute(const Walker::Run& run, const std::vector<Choice>& choices, Judge& judge, double* row) {
  walk_->enter_last(choices);
  const Lanes& here = lanes(run);
  const Index first = first_member(run);
  const auto last = static_cast<Index>(here.members.size());
  from_ = first < static_cast<Index>(here.lane_of.size()) ? here.lane_of[static_cast<std::size_t>(first)] : last;
  width_ = last + 1 - from_;
  stride_ = padded(width_);
  corrections_.count = 0;
  for (Index layer = layer_ + 1; layer <= net_.depth(); ++layer) correct(here, layer);

  const Index m = net_.outputs();
  block_.resize(static_cast<std::size_t>(m * stride_));
  errors_.resize(static_cast<std::size_t>(stride_));
  combine(here, net_.layers(), m, outputs_.data(), block_.data());
  judge.harm(walk_->input(), stride_, block_.data(), stride_, walk_->post(net_.layers()).data(), errors_.data(), row);
  expand(here, errors_.data(), row + m);
}

/// Receivers of a layer that may leave their nominal piece, by intervals over all lanes; their number.
Index LinearRows::affected(const Lanes& lanes, Index layer) {
  const Index at = response_->offset(layer_, layer);
  const Index start = from_ * lanes.lowest.cols() + at;
  responses_.resize(corrections_.count);
  for (std::size_t c = 0; c < corrections_.count; ++c)
    responses_[c] = corrections_.response[c] + response_->offset(corrections_.layer[c], layer);
  return kernels().escaping(net_.width(layer), walk_->prefix().data() + at, lanes.lowest.data() + start,
                            lanes.highest.data() + start, static_cast<Index>(corrections_.count), responses_.data(),
                            corrections_.least.data(), corrections_.most.data(), response_->low(layer).data(),
                            response_->high(layer).data(), nodes_.data());
}

/// Add the corrections of a layer.
void LinearRows::correct(const Lanes& lanes, Index layer) {
  const Index count = affected(lanes, layer);
  if (count == 0) return;
  const std::size_t most = corrections_.count + static_cast<std::size_t>(count);
  if (corrections_.layer.size() < most) {
    corrections_.response.resize(most);
    corrections_.layer.resize(most);
    corrections_.least.resize(most);
    corrections_.most.resize(most);
  }
  const auto width = static_cast<std::size_t>(stride_);
  if (corrections_.values.size() < most * width) corrections_.values.resize(most * width);
  double* rows = corrections_.values.data() + corrections_.count * width;
  combine(lanes, layer, count, nodes_.data(), rows);
  const Matrix& responses = response_->of(layer);
  for (Index i = 0; i < count; ++i) {
    const Index node = nodes_[static_cast<std::size_t>(i)];
    const std::size_t c = corrections_.count;
    corrections_.least[c] = 0;
    corrections_.most[c] = 0;
    kernels().hinge(stride_, rows + i * stride_, &response_->hinges(layer)[static_cast<std::size_t>(2 * node)].coefficient,
                    corrections_.values.data() + c * width, &corrections_.least[c], &corrections_.most[c]);
    if (corrections_.least[c] == 0 && corrections_.most[c] == 0) continue;  // no lane left the piece
    corrections_.response[c] = responses.data() + node * responses.cols();
    corrections_.layer[c] = layer;
    ++corrections_.count;
  }
}

/// Pre-activations of some receivers of a layer in every lane: prefix + column + responses to the corrections.
void LinearRows::combine(const Lanes& lanes, Index layer, Index rows, const int* nodes, double* out) {
  const Index at = response_->offset(layer_, layer);
  kernels().shift(rows, stride_, walk_->prefix().data() + at, lanes.across.data() + at * lanes.stride + from_,
                  lanes.stride, nodes, out);
  const auto k = static_cast<Index>(corrections_.count);
  if (k == 0) return;
  coefficients_.resize(static_cast<std::size_t>(rows * k));
  for (Index c = 0; c < k; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const double* response = corrections_.response[i] + response_->offset(corrections_.layer[i], layer);
    for (Index r = 0; r < rows; ++r) coefficients_[static_cast<std::size_t>(r * k + c)] = response[nodes[r]];
  }
  kernels().multiply_add(rows, stride_, k, coefficients_.data(), k, corrections_.values.data(), stride_, out, stride_);
}

}  // namespace withstand
