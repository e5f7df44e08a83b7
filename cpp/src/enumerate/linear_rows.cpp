// SPDX-License-Identifier: MIT
#include "linear_rows.hpp"

#include <algorithm>
#include <cmath>

namespace withstand {
namespace {

constexpr double kept_bytes = 8e6;  // a worker keeps the lanes of every input, and as much of their rows, up to here

constexpr double cached_doubles = 1 << 18;  // rows of the current input alone: 2 MB, which stay in the cache

/// n in whole vectors, and in tiles of 4.
Index padded(Index n) {
  const Index lanes = std::max<Index>(4, kernels().lanes);
  return (n + lanes - 1) / lanes * lanes;
}

}  // namespace

LinearRows::LinearRows(const Problem& problem)
    : problem_(problem), net_(problem.network), grid_(problem.grid), kernels_(kernels()) {
  double bytes = 0;
  std::size_t members = 0;
  for (const Grid::Stage& stage : grid_.stages()) {
    bytes = std::max(bytes, static_cast<double>(stage.sites.size()) * Response::row_bytes(net_, stage.layer));
    members = std::max(members, stage.sites.size());
  }
  const std::size_t terms = grid_.space().terms().size();
  const auto inputs = static_cast<std::size_t>(problem.inputs.rows());
  keep_ = 2 * bytes * static_cast<double>(terms * inputs) <= kept_bytes;
  lanes_.resize(terms * (keep_ ? inputs : 1));
  rows_.resize(keep_ ? inputs : 1);
  row_size_ = static_cast<std::size_t>(net_.outputs() + kernels_.lanes) + members;
}

void LinearRows::begin(Walk& walk, const Response& response, const Walker::Run& run, std::size_t choices) {
  walk_ = &walk;
  response_ = &response;
  choices_ = choices;
  layer_ = grid_.stages()[static_cast<std::size_t>(run.stage)].layer;
  harms_ = response.size(net_.layers());
  row_.resize(row_size_);
  auto& rows = rows_[keep_ ? static_cast<std::size_t>(walk.input()) : 0];
  if (rows && !keep_) rows->clear();
  if (rows) return;
  const auto most = static_cast<std::size_t>(grid_.classes().back().failures);
  const double room = keep_ ? kept_bytes / 8 / static_cast<double>(rows_.size()) : cached_doubles;
  const double prefixes = static_cast<double>(grid_.configurations()) * static_cast<double>(most) /
                          static_cast<double>(row_size_);  // about
  const double doubles = std::min(room, 4 * prefixes * static_cast<double>(row_size_));
  rows = std::make_unique<RowStore>(row_size_, most, static_cast<std::size_t>(doubles));
}

/// Prefixes of which every failure changes something have a row of their own.
void LinearRows::evaluate(const Walker::Run& run, const Choice* choices, std::uint64_t offset, Judge& judge) {
  const bool own = walk_->effective().size() + 1 == choices_;
  bool known = false;
  double* row = row_.data();
  if (!own) {
    const auto tag = static_cast<std::uint64_t>(run.stage) << 32U | static_cast<std::uint64_t>(run.term);
    row = rows_[keep_ ? static_cast<std::size_t>(walk_->input()) : 0]->find(walk_->effective(), tag, known);
  }
  const Index first = own ? run.first : first_member(run);
  if (!known) compute(run, choices, first, row);
  if (judge.any_matters(walk_->input(), row)) {
    if (known) compute(run, choices, first, row_.data());
    inspect(run, row, offset, judge);
  }
  judge.row(walk_->input(), offset, run.last - run.first, row + harms_ + run.first);
}

void LinearRows::compute(const Walker::Run& run, const Choice* choices, Index first, double* row) {
  walk_->enter_last(choices);
  const Lanes& here = lanes(run);
  const auto last = static_cast<Index>(here.members.size());
  from_ = first < static_cast<Index>(here.lane_of.size()) ? here.lane_of[static_cast<std::size_t>(first)] : last;
  width_ = last + 1 - from_;
  stride_ = padded(width_);
  corrections_.count = 0;
  for (Index layer = layer_ + 1; layer <= net_.depth(); ++layer) correct(here, layer);
  if (static_cast<Index>(errors_.size()) < stride_) errors_.resize(static_cast<std::size_t>(stride_));
  kernels_.harm(harms_, stride_, walk_->prefix().data() + response_->section(layer_, net_.layers()),
                here.harms.data() + from_ * harms_, harms_, corrections_.count, seen_from(net_.layers()),
                corrections_.values.data(), problem_.question.decisions ? 0 : 1, errors_.data(), row);
  expand(here, first, errors_.data(), row + harms_);
}

/// A row begins behind the last effective failure of its stage, so that every prefix it stands for finds its part.
Index LinearRows::first_member(const Walker::Run& run) const {
  const auto& effective = walk_->effective();
  if (effective.empty() || ((effective.back() >> 16U) & 0xffffU) != static_cast<std::uint64_t>(run.stage)) return 0;
  const auto& members = grid_.stages()[static_cast<std::size_t>(run.stage)].members[static_cast<std::size_t>(run.term)];
  const auto position = static_cast<int>(effective.back() >> 32U);
  return std::upper_bound(members.begin(), members.end(), position) - members.begin();
}

LinearRows::Lanes& LinearRows::lanes(const Walker::Run& run) {
  const std::size_t slot = keep_ ? static_cast<std::size_t>(walk_->input()) : 0;
  Lanes& lanes = lanes_[slot * grid_.space().terms().size() + static_cast<std::size_t>(run.term)];
  if (lanes.input == walk_->input() && lanes.stage == run.stage && lanes.entered == walk_->entered()) return lanes;
  lanes.input = walk_->input();
  lanes.stage = run.stage;
  lanes.entered = walk_->entered();
  build(lanes, run);
  return lanes;
}

void LinearRows::build(Lanes& lanes, const Walker::Run& run) {
  const Vector& effect = walk_->last().effect[static_cast<std::size_t>(run.term)];
  const auto& nodes = walk_->nodes(static_cast<std::size_t>(run.stage), static_cast<std::size_t>(run.term));
  const Matrix& responses = response_->of(layer_);
  lanes.members.clear();
  lanes.idle.clear();
  lanes.lane_of.resize(nodes.size());
  effects_.clear();
  responses_.clear();
  for (Index m = 0; m < effect.size(); ++m) {
    const auto i = static_cast<std::size_t>(m);
    lanes.lane_of[i] = static_cast<Index>(lanes.members.size());
    (effect(m) == 0 ? lanes.idle : lanes.members).push_back(m);
    if (effect(m) == 0) continue;
    effects_.push_back(effect(m));
    responses_.push_back(responses.data() + nodes[i] * responses.cols());
  }
  const auto n = static_cast<Index>(lanes.members.size());
  const Index excesses = response_->section(layer_, net_.layers());
  const Index stride = padded(n + 1) + padded(1);  // a row may begin at any lane
  if (lanes.stride != stride || static_cast<Index>(lanes.across.size()) != stride * excesses)
    lanes.across.assign(static_cast<std::size_t>(stride * excesses), 0.0);
  else
    for (Index j = 0; j < excesses; ++j) std::fill_n(lanes.across.data() + j * stride + n, stride - n, 0.0);
  lanes.stride = stride;
  lanes.highest.resize(n + 1, excesses);
  kernels_.reach(n, excesses, effects_.data(), responses_.data(), lanes.highest.data(), lanes.across.data(), stride);
  lanes.harms.resize(stride, harms_);
  for (Index i = 0; i < n; ++i)
    lanes.harms.row(i) = effects_[static_cast<std::size_t>(i)] *
                         Eigen::Map<const Eigen::RowVectorXd>(responses_[static_cast<std::size_t>(i)] + excesses, harms_);
  lanes.harms.bottomRows(stride - n).setZero();
}

/// Add the hinges of a layer that open.
void LinearRows::correct(const Lanes& lanes, Index layer) {
  const Index at = response_->section(layer_, layer);
  const double* start = walk_->prefix().data() + at;
  hinges_.resize(static_cast<std::size_t>(response_->size(layer) + kernels_.lanes));
  const Index count = kernels_.openable(response_->size(layer), start, lanes.highest.row(from_).data() + at,
                                        corrections_.count, seen_from(layer), corrections_.most.data(), hinges_.data());
  if (count == 0) return;
  make_room(count);
  double* values = corrections_.values.data() + corrections_.count * stride_;
  double* most = corrections_.most.data() + corrections_.count;
  kernels_.open(count, stride_, start, lanes.across.data() + at * lanes.stride + from_, lanes.stride,
                corrections_.count, seen_from(layer), corrections_.values.data(), hinges_.data(), values, most);
  const Matrix& rows = response_->of_hinges(layer);
  for (Index i = 0; i < count; ++i) {
    if (most[i] == 0) continue;  // no lane opened it
    const auto c = static_cast<std::size_t>(corrections_.count++);
    corrections_.response[c] = rows.data() + hinges_[static_cast<std::size_t>(i)] * rows.cols();
    corrections_.layer[c] = layer;
    corrections_.most[c] = most[i];
    double* row = corrections_.values.data() + static_cast<Index>(c) * stride_;
    if (row != values + i * stride_) std::copy_n(values + i * stride_, stride_, row);
  }
}

void LinearRows::make_room(Index count) {
  const auto most = static_cast<std::size_t>(corrections_.count + count);
  const std::size_t values = most * static_cast<std::size_t>(stride_);
  if (corrections_.values.size() < values) corrections_.values.resize(values);
  if (corrections_.layer.size() >= most) return;
  corrections_.response.resize(most);
  corrections_.layer.resize(most);
  corrections_.most.resize(most);
}

/// What the corrections do to a layer (L+1: to the harms).
const double* const* LinearRows::seen_from(Index layer) {
  const auto count = static_cast<std::size_t>(corrections_.count);
  if (count == 0 || corrections_.layer[0] + 1 == layer) return corrections_.response.data();
  responses_.resize(count);
  for (std::size_t c = 0; c < count; ++c)
    responses_[c] = corrections_.response[c] + response_->section(corrections_.layer[c], layer);
  return responses_.data();
}

/// The row just computed holds a candidate for the worst value of an output.
void LinearRows::inspect(const Walker::Run& run, const double* worst, std::uint64_t offset, Judge& judge) {
  const Lanes& here = lanes(run);
  const Index at = response_->section(layer_, net_.layers());
  const double* const* responses = seen_from(net_.layers());
  members_.resize(here.lane_of.size());
  for (Index o = 0; o < net_.outputs(); ++o) {
    if (!judge.matters(walk_->input(), o, worst[o])) continue;
    Eigen::ArrayXd values = walk_->prefix()[at + o] + here.harms.col(o).segment(from_, width_).array();
    for (Index c = 0; c < corrections_.count; ++c)
      values += responses[c][o] * Eigen::Map<const Eigen::ArrayXd>(corrections_.values.data() + c * stride_, width_);
    if (!problem_.question.decisions) values = values.abs();
    expand(here, run.first, values.data(), members_.data());
    judge.inspect(walk_->input(), o, offset, run.last - run.first, members_.data() + run.first);
  }
}

/// From lanes to members from `first` on: those without effect have the value of the last lane.
void LinearRows::expand(const Lanes& lanes, Index first, const double* values, double* members) const {
  const auto last = static_cast<Index>(lanes.members.size());
  const auto idle = static_cast<Index>(lanes.idle.size());
  for (Index i = idle; i-- > 0 && lanes.idle[static_cast<std::size_t>(i)] >= first;)
    members[lanes.idle[static_cast<std::size_t>(i)]] = values[last - from_];
  for (Index lane = from_; lane < last; ++lane)
    members[lanes.members[static_cast<std::size_t>(lane)]] = values[lane - from_];
}

}  // namespace withstand
