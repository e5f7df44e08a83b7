// SPDX-License-Identifier: MIT
#include "linear_rows.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "withstand/kernels.hpp"

namespace withstand {
namespace {

constexpr Index pad = 16;                     // lanes: rows may be read and written a few vectors past their end
constexpr std::size_t kept_doubles = 1 << 20;  // of remembered rows

Index padded(Index n) { return (n + 3) / 4 * 4; }

}  // namespace

LinearRows::LinearRows(const Problem& problem)
    : problem_(problem), net_(problem.network), grid_(problem.grid), lanes_(problem.grid.space().terms().size()) {
  const auto widest = static_cast<std::size_t>(net_.widest());
  low_.resize(widest + pad);
  high_.resize(widest + pad);
  nodes_.resize(widest + pad);
  outputs_.resize(static_cast<std::size_t>(net_.outputs()));
  std::iota(outputs_.begin(), outputs_.end(), 0);
}

void LinearRows::begin(Walk& walk, const Response& response) {
  walk_ = &walk;
  response_ = &response;
  rows_.clear();
  room_ = kept_doubles;
  for (Lanes& lanes : lanes_) lanes.entered = 0;
}

void LinearRows::evaluate(const Walker::Run& run, const std::vector<Choice>& choices, std::uint64_t offset,
                          Judge& judge) {
  bool known = false;
  Row& row = find(run, known);
  if (!known) compute(run, choices, judge, row);
  bool matters = false;
  for (Index o = 0; o < net_.outputs(); ++o)
    matters = matters || judge.matters(walk_->input(), o, row.worst[static_cast<std::size_t>(o)]);
  if (matters) {
    if (known) compute(run, choices, judge, scratch_);
    inspect(run, offset, judge);
  }
  judge.row(walk_->input(), offset, run.last - run.first, row.errors.data() + (run.first - first_member(run)));
}

/// The remembered row of this prefix, or a new one.
LinearRows::Row& LinearRows::find(const Walker::Run& run, bool& known) {
  const auto& effective = walk_->effective();
  std::string key(reinterpret_cast<const char*>(effective.data()), effective.size() * sizeof(std::uint64_t));
  key.push_back(static_cast<char>(run.term));
  const auto found = rows_.find(key);
  known = found != rows_.end();
  if (known) return found->second;
  const auto& nodes = walk_->nodes(static_cast<std::size_t>(run.stage), static_cast<std::size_t>(run.term));
  const std::size_t size = nodes.size() + static_cast<std::size_t>(net_.outputs()) + 16;
  if (room_ < size) {
    rows_.clear();
    room_ = std::max(kept_doubles, size);
  }
  room_ -= size;
  return rows_.emplace(key, Row{}).first->second;
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
  const Index first = first_member(run);
  for (Index o = 0; o < net_.outputs(); ++o) {
    const double* row = block_.data() + o * padded(width_);
    if (!judge.matters(walk_->input(), o, *std::max_element(row, row + width_))) continue;
    members_.resize(lanes.lane_of.size());
    expand(lanes, from_, first, row, members_.data());
    judge.inspect(walk_->input(), o, offset, run.last - run.first, members_.data() + (run.first - first));
  }
}

/// From lanes to members: those without effect have the value of the last lane.
void LinearRows::expand(const Lanes& lanes, Index from, Index first, const double* values, double* members) const {
  const auto all = static_cast<Index>(lanes.lane_of.size());
  const auto last = static_cast<Index>(lanes.members.size());
  std::fill_n(members, all - first, values[last - from]);
  for (Index lane = from; lane < last; ++lane) members[lanes.members[static_cast<std::size_t>(lane)] - first] = values[lane - from];
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
  lanes.stride = padded(n + 1) + pad;
  lanes.across.assign(static_cast<std::size_t>(lanes.stride * responses.cols()), 0.0);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < responses.cols(); ++j)
      lanes.across[static_cast<std::size_t>(j * lanes.stride + i)] = lanes.column(i, j);
  return lanes;
}

void LinearRows::compute(const Walker::Run& run, const std::vector<Choice>& choices, Judge& judge, Row& row) {
  walk_->enter_last(choices);
  layer_ = grid_.stages()[static_cast<std::size_t>(run.stage)].layer;
  const Index first = first_member(run);
  const Lanes& here = lanes(run);
  const auto all = static_cast<Index>(here.lane_of.size());
  const auto last = static_cast<Index>(here.members.size());
  from_ = first < all ? here.lane_of[static_cast<std::size_t>(first)] : last;
  width_ = last + 1 - from_;
  const Index ld = padded(width_);
  corrections_.clear();
  for (Index layer = layer_ + 1; layer <= net_.depth(); ++layer) correct(here, from_, ld, layer);

  const Index m = net_.outputs();
  block_.resize(static_cast<std::size_t>(m * ld));
  errors_.resize(static_cast<std::size_t>(ld));
  combine(here, from_, ld, net_.layers(), m, outputs_.data(), block_.data());
  row.worst.resize(static_cast<std::size_t>(m));
  judge.harm(walk_->input(), width_, block_.data(), ld, walk_->post(net_.layers()).data(), errors_.data(), row.worst.data());
  row.errors.resize(static_cast<std::size_t>(all - first));
  expand(here, from_, first, errors_.data(), row.errors.data());
}

/// Receivers of a layer that may leave their nominal piece, by intervals over all lanes; their number.
Index LinearRows::affected(const Lanes& lanes, Index from, Index layer) {
  const Index at = response_->offset(layer_, layer);
  const Index n = net_.width(layer);
  const double* prefix = walk_->prefix().data() + at;
  const double* lowest = lanes.lowest.data() + from * lanes.lowest.cols() + at;
  const double* highest = lanes.highest.data() + from * lanes.highest.cols() + at;
  kernels().reach(n, prefix, lowest, highest, low_.data(), high_.data());
  for (const Correction& c : corrections_) {
    const Matrix& responses = response_->of(c.layer);
    kernels().widen(n, responses.data() + c.node * responses.cols() + response_->offset(c.layer, layer), c.least, c.most,
                    low_.data(), high_.data());
  }
  return kernels().escaping(n, low_.data(), high_.data(), response_->low(layer).data(), response_->high(layer).data(),
                            nodes_.data());
}

/// Add the corrections of a layer.
void LinearRows::correct(const Lanes& lanes, Index from, Index width, Index layer) {
  const Index count = affected(lanes, from, layer);
  if (count == 0) return;
  const std::size_t before = corrections_.size();
  const auto w = static_cast<std::size_t>(width);
  if (corrected_.size() < (before + static_cast<std::size_t>(count)) * w)
    corrected_.resize((before + static_cast<std::size_t>(count)) * w);
  double* rows = corrected_.data() + before * w;
  combine(lanes, from, width, layer, count, nodes_.data(), rows);
  double* keep = rows;
  for (Index i = 0; i < count; ++i) {
    const int node = nodes_[static_cast<std::size_t>(i)];
    const Response::Hinge* hinges = &response_->hinges(layer)[static_cast<std::size_t>(2 * node)];
    Correction c{layer, node, 0, 0};
    kernels().hinge(width, rows + i * width, &hinges[0].coefficient, keep, &c.least, &c.most);
    if (c.least == 0 && c.most == 0) continue;  // no lane left the piece
    corrections_.push_back(c);
    keep += w;
  }
}

/// Pre-activations of some receivers of a layer in every lane: prefix + column + responses to the corrections.
void LinearRows::combine(const Lanes& lanes, Index from, Index width, Index layer, Index rows, const int* nodes,
                         double* out) {
  const Index at = response_->offset(layer_, layer);
  const double* prefix = walk_->prefix().data() + at;
  kernels().shift(rows, width, prefix, lanes.across.data() + at * lanes.stride + from, lanes.stride, nodes, out);
  const auto k = static_cast<Index>(corrections_.size());
  if (k == 0) return;
  coefficients_.resize(static_cast<std::size_t>(rows * k));
  for (Index c = 0; c < k; ++c) {
    const Correction& correction = corrections_[static_cast<std::size_t>(c)];
    const Matrix& responses = response_->of(correction.layer);
    const double* response = responses.data() + correction.node * responses.cols() + response_->offset(correction.layer, layer);
    for (Index r = 0; r < rows; ++r) coefficients_[static_cast<std::size_t>(r * k + c)] = response[nodes[r]];
  }
  kernels().multiply_add(rows, width, k, coefficients_.data(), k, corrected_.data(), width, out, width);
}

}  // namespace withstand
