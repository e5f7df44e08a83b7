// SPDX-License-Identifier: MIT
#include "linear_rows.hpp"

#include <algorithm>
#include <cmath>

namespace withstand::enumerate {
namespace {

constexpr double kept_bytes = 4e6;  // a worker keeps the lanes of every input, and as much of their rows, up to here

constexpr double cached_doubles = 1 << 18;  // rows of the current input alone: 2 MB, which stay in the cache;
constexpr double few_doubles = 1 << 17;     // beside a large response, which fills it anyway, of every worker less

constexpr Index together = 128;  // lanes whose excesses are looked at

}  // namespace

LinearRows::LinearRows(const Problem& problem, bool large)
    : problem_(problem), net_(problem.network), grid_(problem.grid), kernels_(kernels()),
      cached_(large ? few_doubles : cached_doubles) {
  double bytes = 0;
  std::size_t members = 0;
  for (const Grid::Stage& stage : grid_.stages()) {
    bytes = std::max(bytes, static_cast<double>(stage.sites.size()) * Response::row_bytes(net_, stage.layer));
    members = std::max(members, stage.sites.size());
  }
  const std::size_t manners = grid_.manners().size();
  const auto inputs = static_cast<std::size_t>(problem.inputs.rows());
  keep_ = 2 * bytes * static_cast<double>(manners * inputs) <= kept_bytes;
  lanes_.resize(manners * (keep_ ? inputs : 1));
  rows_.resize(keep_ ? inputs : 1);
  row_size_ = 1 + members;
}

void LinearRows::begin(Walk& walk, const Reaction& reaction, const Walker::Run& run, std::size_t choices) {
  walk_ = &walk;
  reaction_ = &reaction;
  response_ = &reaction.response();
  for (Slot& slot : lanes_)
    if (slot.lanes != &slot.own) slot.input = -1;  // a reaction, which may be gone
  choices_ = choices;
  layer_ = grid_.stages()[static_cast<std::size_t>(run.stage)].layer;
  describe_end();
  auto& rows = rows_[keep_ ? static_cast<std::size_t>(walk.input()) : 0];
  if (rows && !keep_) rows->clear();
  if (rows) return;
  const auto most = static_cast<std::size_t>(grid_.classes().back().failures);
  const double room = keep_ ? kept_bytes / 8 / static_cast<double>(rows_.size()) : cached_;
  const double prefixes = static_cast<double>(grid_.configurations()) * static_cast<double>(most) /
                          static_cast<double>(row_size_);  // about
  const double doubles = std::min(room, 4 * prefixes * static_cast<double>(row_size_));
  rows = std::make_unique<RowStore>(row_size_, most, static_cast<std::size_t>(doubles));
}

/// Prefixes of which every failure changes something have a row of their own; the others share theirs.
void LinearRows::evaluate(const Walker::Run& run, const Choice* choices, std::uint64_t offset, Judge& judge) {
  const Index input = walk_->input();
  const Index n = run.last - run.first;
  if (walk_->effective().size() + 1 == choices_) {
    if (judge.any_matters(input, compute(run, choices, run.first, judge))) inspect(run, offset, judge);
    return judge.row(input, offset, n, errors_.data(), lanes(run).index.data() + run.first, width_);
  }
  const auto tag = static_cast<std::uint64_t>(run.stage) << 32U | static_cast<std::uint64_t>(run.manner);
  bool known = false;
  double* row = rows_[keep_ ? static_cast<std::size_t>(input) : 0]->find(walk_->effective(), tag, known);
  if (!known) {
    row[0] = compute(run, choices, first_member(run), judge);
    expand(lanes(run), first_member(run), errors_.data(), row + 1);
  }
  if (judge.any_matters(input, row[0])) {
    if (known) row[0] = compute(run, choices, first_member(run), judge);
    inspect(run, offset, judge);
  }
  judge.row(input, offset, n, row + 1 + run.first);
}

/// Errors of the lanes of the row that begins at member `first`; returns by how much a harm rises above its limit.
double LinearRows::compute(const Walker::Run& run, const Choice* choices, Index first, const Judge& judge) {
  walk_->enter_last(choices);
  const Lanes& here = lanes(run);
  width_ = here.widths[static_cast<std::size_t>(first)];
  stride_ = padded(width_);
  corrections_.count = 0;
  for (Index layer = layer_ + 1; layer < net_.depth(); ++layer) correct(here, layer);
  return end(here, judge);
}

/// What the ends of all rows of a class at an input share.
void LinearRows::describe_end() {
  const bool hinged = layer_ < net_.depth();
  end_layer_ = hinged ? net_.depth() : net_.layers();
  end_.hinges = hinged ? response_->size(end_layer_) : 0;
  end_.outputs = net_.outputs();
  end_.either_sign = !problem_.question.decisions;
  if (hinged) {
    end_.replies = response_->of_hinges(end_layer_).data();
    end_.ld_replies = response_->of_hinges(end_layer_).cols();
  }
  open_.resize(static_cast<std::size_t>(end_.hinges + kernels_.lanes));
  end_.open = open_.data();
}

/// The last layer of hinges, where there is one behind the failures, and the harms.
double LinearRows::end(const Lanes& lanes, const Judge& judge) {
  const Index at = response_->section(layer_, end_layer_);
  const auto most = static_cast<std::size_t>(corrections_.count + end_.hinges);
  if (answers_.size() < most) {
    answers_.resize(most);
    excess_.resize(most * 2 * static_cast<std::size_t>(kernels_.lanes));
  }
  if (static_cast<Index>(errors_.size()) < stride_ + 2 * kernels_.lanes)
    errors_.resize(static_cast<std::size_t>(stride_ + 2 * kernels_.lanes));
  end_.n = stride_;
  end_.width = width_;
  end_.start = walk_->prefix().data() + at;
  end_.highest = lanes.highest(width_) + at;
  end_.columns = lanes.across(at);
  end_.ld = lanes.stride();
  end_.corrections = corrections_.count;
  end_.responses = seen_from(end_layer_);
  end_.values = corrections_.values.data();
  end_.most = corrections_.most.data();
  end_.limits = judge.limits();
  end_.errors = errors_.data();
  end_.answers = answers_.data();
  end_.excess = excess_.data();
  return kernels_.end_row(&end_);
}

/// A row begins behind the last effective failure of its stage, so that every prefix it stands for finds its part.
Index LinearRows::first_member(const Walker::Run& run) const {
  const auto& effective = walk_->effective();
  if (effective.empty() || ((effective.back() >> 16U) & 0xffffU) != static_cast<std::uint64_t>(run.stage)) return 0;
  const Grid::Stage& stage = grid_.stages()[static_cast<std::size_t>(run.stage)];
  return stage.behind[static_cast<std::size_t>(run.manner)][effective.back() >> 32U];
}

const Lanes& LinearRows::lanes(const Walker::Run& run) {
  const auto stage = static_cast<std::size_t>(run.stage), manner = static_cast<std::size_t>(run.manner);
  Slot& slot = lanes_[(keep_ ? static_cast<std::size_t>(walk_->input()) : 0) * grid_.manners().size() + manner];
  if (slot.input == walk_->input() && slot.stage == run.stage && slot.entered == walk_->entered()) return *slot.lanes;
  slot.input = walk_->input();
  slot.stage = run.stage;
  slot.entered = walk_->entered();
  const auto build = [&](Lanes& lanes) {
    lanes.build(*response_, layer_, walk_->last().effect[manner], walk_->nodes(stage, manner));
  };
  if (slot.entered == 0 && !keep_) {
    slot.lanes = &reaction_->lanes(stage, manner, build);
  } else {
    build(slot.own);
    slot.lanes = &slot.own;
  }
  return *slot.lanes;
}

/// Add the hinges of a layer that open.
void LinearRows::correct(const Lanes& lanes, Index layer) {
  const Index at = response_->section(layer_, layer);
  const double* start = walk_->prefix().data() + at;
  hinges_.resize(static_cast<std::size_t>(response_->size(layer) + kernels_.lanes));
  const Index count = kernels_.openable(response_->size(layer), start, lanes.highest(width_) + at,
                                        corrections_.count, seen_from(layer), corrections_.most.data(), hinges_.data());
  if (count == 0) return;
  make_room(count);
  const Index kept = kernels_.open(count, stride_, start, lanes.across(at), lanes.stride(),
                                   corrections_.count, seen_from(layer), corrections_.values.data(), hinges_.data(),
                                   corrections_.values.data() + corrections_.count * stride_,
                                   corrections_.most.data() + corrections_.count);
  const Response::Rows rows = response_->of_hinges(layer);
  for (Index i = 0; i < kept; ++i) {
    const auto c = static_cast<std::size_t>(corrections_.count++);
    corrections_.response[c] = rows.data() + hinges_[static_cast<std::size_t>(i)] * rows.cols();
    corrections_.layer[c] = layer;
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

/// The row just computed holds a candidate for the worst value of an output. Lane by lane, some at a time: excesses of all
/// lanes would take as much memory as the rest of a worker.
void LinearRows::inspect(const Walker::Run& run, std::uint64_t offset, Judge& judge) {
  using Lane = Eigen::Map<const Eigen::ArrayXd>;
  const Lanes& here = lanes(run);
  const auto sum = [&](Index j, Index first, auto&& row) {  // without the last layer's hinges
    row = end_.start[j] + Lane(end_.columns + j * end_.ld + first, row.size());
    for (Index c = 0; c < end_.corrections; ++c)
      row += end_.responses[c][j] * Lane(end_.values + c * stride_ + first, row.size());
  };
  Eigen::ArrayXXd rows(width_, net_.outputs());
  Eigen::ArrayXXd excess(std::min(width_, together), end_.opened);
  for (Index first = 0; first < width_; first += together) {
    const Index n = std::min(together, width_ - first);
    for (Index h = 0; h < end_.opened; ++h) {
      sum(end_.open[h], first, excess.col(h).head(n));
      excess.col(h).head(n) = excess.col(h).head(n).max(0.0);
    }
    for (Index o = 0; o < net_.outputs(); ++o) {
      auto row = rows.col(o).segment(first, n);
      sum(end_.hinges + o, first, row);
      for (Index h = 0; h < end_.opened; ++h) row += end_.answers[end_.corrections + h][o] * excess.col(h).head(n);
    }
  }
  members_.resize(here.index.size());
  for (Index o = 0; o < net_.outputs(); ++o) {
    if (end_.either_sign) rows.col(o) = rows.col(o).abs();
    if (!judge.matters(walk_->input(), o, rows.col(o).maxCoeff())) continue;
    expand(here, run.first, rows.col(o).data(), members_.data());
    judge.inspect(walk_->input(), o, offset, run.last - run.first, members_.data() + run.first);
  }
}

/// From lanes to members from `first` on.
void LinearRows::expand(const Lanes& lanes, Index first, const double* values, double* members) const {
  for (auto m = static_cast<std::size_t>(first); m + 1 < lanes.widths.size(); ++m) members[m] = values[lanes.index[m]];
}

}  // namespace withstand::enumerate
