// SPDX-License-Identifier: MIT
#include "linear_rows.hpp"

#include <algorithm>
#include <limits>
#include <numeric>


namespace withstand {
namespace {

/// n in whole vectors.
Index padded(Index n) {
  const Index lanes = kernels().lanes;
  return (n + lanes - 1) / lanes * lanes;
}

double at(const Response::Hinge* hinges, double s) {
  const auto one = [s](const Response::Hinge& h) { return h.coefficient * std::max(0.0, h.sign * (s - h.at)); };
  return hinges[1].coefficient == 0 ? one(hinges[0]) : one(hinges[0]) + one(hinges[1]);
}

}  // namespace

LinearRows::LinearRows(const Problem& problem)
    : problem_(problem), net_(problem.network), grid_(problem.grid), kernels_(kernels()), lanes_(problem.grid.space().terms().size()) {
  nodes_.resize(static_cast<std::size_t>(net_.widest() + Response::padding));
  for (Vector* v : {&lows_, &highs_, &low_, &high_, &worst_}) v->setZero(net_.widest() + Response::padding);
  outputs_.resize(static_cast<std::size_t>(net_.outputs()));
  std::iota(outputs_.begin(), outputs_.end(), 0);
}

void LinearRows::begin(Walk& walk, const Response& response, const Walker::Run& run, std::size_t choices) {
  walk_ = &walk;
  response_ = &response;
  const Grid::Stage& stage = grid_.stages()[static_cast<std::size_t>(run.stage)];
  layer_ = stage.layer;
  rows_.reset(outputs_.size() + stage.sites.size(), choices);
  for (Lanes& lanes : lanes_) lanes.entered = 0;
  reference_ = Vector::Zero(net_.outputs() + Response::padding);
  reference_.head(net_.outputs()) = walk.post(net_.layers());
  pruned_ = !problem_.question.decisions && !walk.last_is_alone() && mostly_effective(run);
}

bool LinearRows::mostly_effective(const Walker::Run& run) const {
  const Vector& effect = walk_->last().effect[static_cast<std::size_t>(run.term)];
  return 2 * (effect.array() != 0).count() >= effect.size();
}

void LinearRows::evaluate(const Walker::Run& run, const Choice* choices, std::uint64_t offset, Judge& judge) {
  if (pruned_)
    pruned(run, offset, judge);
  else
    shared(run, choices, offset, judge);
}

void LinearRows::shared(const Walker::Run& run, const Choice* choices, std::uint64_t offset, Judge& judge) {
  bool known = false;
  double* row = rows_.find(walk_->effective(choices), static_cast<std::uint64_t>(run.term), known);
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

/// Only what exceeds the errors so far, or could be the worst of an output. The margin keeps away from rounding: an
/// input that is left out is not within it of the error that counts.
void LinearRows::pruned(const Walker::Run& run, std::uint64_t offset, Judge& judge) {
  const Lanes& here = lanes(run);
  from_ = run.first;
  width_ = run.last - run.first;
  stride_ = padded(width_);
  corrections_.count = 0;
  foreseen_ = 0;
  for (Index layer = layer_ + 1; layer < net_.depth(); ++layer) correct(here, layer);
  if (layer_ < net_.depth()) foresee(here, net_.depth());

  const double margin = 3 * problem_.largest_slack;
  const double* errors = judge.errors(offset);
  const double least = kernels_.smallest(width_, errors) - margin;
  if (!look_ahead(here, least, judge)) return;
  const Index m = net_.outputs();
  const Index at = response_->offset(layer_, net_.layers());
  const Index input = walk_->input();
  const Index hardest = std::max_element(worst_.data(), worst_.data() + m) - worst_.data();
  errors_.resize(static_cast<std::size_t>(stride_));
  for (Index i = -1; i < m; ++i) {  // the most harmful output first: it often spares the others
    const Index o = i < 0 ? hardest : i;
    if (i == hardest || (worst_[o] < least && !judge.matters(input, o, worst_[o] + margin))) continue;
    const double* column = here.across.data() + (at + o) * here.stride + from_;
    if (!kernels_.hopeful(stride_, column, low_[o], high_[o], errors, margin) &&
        !judge.matters(input, o, worst_[o] + margin))
      continue;
    if (foreseen_ > 0) settle(here);
    const double start = walk_->prefix()[at + o] - reference_[o];
    const double worst = kernels_.respond(stride_, start, column, static_cast<Index>(corrections_.count),
                                          responses_.data(), o, corrections_.values.data(), errors_.data());
    if (judge.matters(input, o, worst)) judge.inspect(input, o, offset, width_, errors_.data());
    judge.row(input, offset, width_, errors_.data());
  }
}

/// Intervals of all outputs; whether any may exceed `least` or be the worst so far.
bool LinearRows::look_ahead(const Lanes& lanes, double least, Judge& judge) {
  const Index at = response_->offset(layer_, net_.layers());
  responses_.resize(corrections_.count);
  for (std::size_t c = 0; c < corrections_.count; ++c)
    responses_[c] = corrections_.response[c] + response_->offset(corrections_.layer[c], net_.layers());
  const Index first = from_ * lanes.lowest.cols() + at;
  kernels_.outlook(net_.outputs(), walk_->prefix().data() + at, reference_.data(), lanes.lowest.data() + first,
                   lanes.highest.data() + first, static_cast<Index>(corrections_.count), responses_.data(),
                   corrections_.least.data(), corrections_.most.data(), low_.data(), high_.data(), worst_.data());
  const double margin = 3 * problem_.largest_slack;
  for (Index o = 0; o < net_.outputs(); ++o)
    if (worst_[o] >= least || judge.matters(walk_->input(), o, worst_[o] + margin)) return true;
  return false;
}

/// A row begins behind the last effective failure of its stage, so that every prefix it stands for finds its part.
Index LinearRows::first_member(const Walker::Run& run, const Choice* choices) const {
  const auto& effective = walk_->effective(choices);
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
    if (pruned_ || effect(m) != 0) lanes.members.push_back(m);
  }
  const auto n = static_cast<Index>(lanes.members.size());
  const Matrix& responses = response_->of(layer_);
  effects_.resize(static_cast<std::size_t>(n));
  responses_.resize(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    const Index m = lanes.members[static_cast<std::size_t>(i)];
    effects_[static_cast<std::size_t>(i)] = effect(m);
    responses_[static_cast<std::size_t>(i)] = responses.data() + nodes[static_cast<std::size_t>(m)] * responses.cols();
  }
  lanes.lowest.resize(n + 1, responses.cols());
  lanes.highest.resize(n + 1, responses.cols());
  const Index stride = padded(n + 1) + Response::padding;
  if (lanes.stride != stride || static_cast<Index>(lanes.across.size()) != stride * responses.cols())
    lanes.across.assign(static_cast<std::size_t>(stride * responses.cols()), 0.0);
  lanes.stride = stride;
  kernels_.reach(n, responses.cols(), effects_.data(), responses_.data(), lanes.lowest.data(), lanes.highest.data(),
                 lanes.across.data(), stride);
  if (n < lanes.written)  // columns of another state
    for (Index j = 0; j < responses.cols(); ++j)
      std::fill_n(lanes.across.data() + j * stride + n, stride - n, 0.0);
  lanes.written = n;
  return lanes;
}

void LinearRows::compute(const Walker::Run& run, const Choice* choices, Judge& judge, double* row) {
  walk_->enter_last(choices);
  const Lanes& here = lanes(run);
  const Index first = first_member(run, choices);
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
  return kernels_.escaping(net_.width(layer), walk_->prefix().data() + at, lanes.lowest.data() + start,
                            lanes.highest.data() + start, static_cast<Index>(corrections_.count), responses_.data(),
                            corrections_.least.data(), corrections_.most.data(), response_->low(layer).data(),
                            response_->high(layer).data(), lows_.data(), highs_.data(), nodes_.data());
}

void LinearRows::make_room(Index count) {
  const std::size_t most = corrections_.count + static_cast<std::size_t>(count);
  const std::size_t values = most * static_cast<std::size_t>(stride_);
  if (corrections_.values.size() < values) corrections_.values.resize(values);
  if (corrections_.layer.size() >= most) return;
  corrections_.response.resize(most);
  corrections_.layer.resize(most);
  corrections_.node.resize(most);
  corrections_.least.resize(most);
  corrections_.most.resize(most);
}

void LinearRows::push(Index layer, Index node, double least, double most) {
  const std::size_t c = corrections_.count++;
  const Matrix& responses = response_->of(layer);
  corrections_.response[c] = responses.data() + node * responses.cols();
  corrections_.layer[c] = layer;
  corrections_.node[c] = node;
  corrections_.least[c] = least;
  corrections_.most[c] = most;
}

/// Add the corrections of a layer.
void LinearRows::correct(const Lanes& lanes, Index layer) {
  const Index count = affected(lanes, layer);
  if (count == 0) return;
  make_room(count);
  value(lanes, layer, count, nodes_.data());
}

/// Values of the corrections of some receivers, behind those that are there.
void LinearRows::value(const Lanes& lanes, Index layer, Index count, const int* nodes) {
  double* rows = corrections_.values.data() + static_cast<Index>(corrections_.count) * stride_;
  combine(lanes, layer, count, nodes, rows);
  for (Index i = 0; i < count; ++i) {
    double least = 0;
    double most = 0;
    double* values = corrections_.values.data() + static_cast<Index>(corrections_.count) * stride_;
    const Response::Hinge* hinges = &response_->hinges(layer)[static_cast<std::size_t>(2 * nodes[i])];
    kernels_.hinge(stride_, rows + i * stride_, &hinges->coefficient, values, &least, &most);
    if (least != 0 || most != 0) push(layer, nodes[i], least, most);  // else no lane left the piece
  }
}

/// Add the corrections of a layer as intervals: a correction is monotone in the pre-activation.
void LinearRows::foresee(const Lanes& lanes, Index layer) {
  foreseen_ = affected(lanes, layer);
  if (foreseen_ == 0) return;
  make_room(foreseen_);
  for (Index i = 0; i < foreseen_; ++i) {
    const int node = nodes_[static_cast<std::size_t>(i)];
    const Response::Hinge* hinges = &response_->hinges(layer)[static_cast<std::size_t>(2 * node)];
    const double a = at(hinges, lows_[node]);
    const double b = at(hinges, highs_[node]);
    push(layer, node, std::min({a, b, 0.0}), std::max({a, b, 0.0}));
  }
}

/// Replace the intervals by values.
void LinearRows::settle(const Lanes& lanes) {
  corrections_.count -= static_cast<std::size_t>(foreseen_);
  const Index layer = net_.depth();
  if (corrections_.count > 0) {
    value(lanes, layer, foreseen_, nodes_.data());
    responses_.resize(corrections_.count);
    for (std::size_t c = 0; c < corrections_.count; ++c)
      responses_[c] = corrections_.response[c] + response_->offset(corrections_.layer[c], net_.layers());
  } else {  // their order and responses are those of the intervals
    const Index at = response_->offset(layer_, layer);
    kernels_.correct(foreseen_, stride_, walk_->prefix().data() + at, lanes.across.data() + at * lanes.stride + from_,
                     lanes.stride, nodes_.data(), &response_->hinges(layer).front().coefficient,
                     corrections_.values.data());
    corrections_.count = static_cast<std::size_t>(foreseen_);
  }
  foreseen_ = 0;
}

/// Pre-activations of some receivers of a layer in every lane: prefix + column + responses to the corrections.
void LinearRows::combine(const Lanes& lanes, Index layer, Index rows, const int* nodes, double* out) {
  const Index at = response_->offset(layer_, layer);
  kernels_.shift(rows, stride_, walk_->prefix().data() + at, lanes.across.data() + at * lanes.stride + from_,
                  lanes.stride, nodes, out);
  const auto k = static_cast<Index>(corrections_.count);
  if (k == 0) return;
  coefficients_.resize(static_cast<std::size_t>(rows * k));
  for (Index c = 0; c < k; ++c) {
    const auto i = static_cast<std::size_t>(c);
    const double* response = corrections_.response[i] + response_->offset(corrections_.layer[i], layer);
    for (Index r = 0; r < rows; ++r) coefficients_[static_cast<std::size_t>(r * k + c)] = response[nodes[r]];
  }
  kernels_.multiply_add(rows, stride_, k, coefficients_.data(), k, corrections_.values.data(), stride_, out, stride_);
}

}  // namespace withstand
