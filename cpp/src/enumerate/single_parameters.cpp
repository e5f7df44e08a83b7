// SPDX-License-Identifier: MIT
#include "single_parameters.hpp"

#include <algorithm>
#include <cmath>

#include "failure/effects.hpp"
#include "response.hpp"

namespace withstand::enumerate {
namespace {

constexpr double kept_bytes = 32e6;

/// A corner of an activation in its argument, and the slopes on both sides.
struct Corner {
  double at, left, right;
};

std::vector<Corner> corners_of(const Activation& phi) {
  const Pieces& p = phi.pieces();
  const double g = phi.gain();
  std::vector<Corner> corners;
  if (p.corners == 0) return corners;
  if (p.corner[0] == p.corner[p.corners - 1]) return {{p.corner[0] / g, p.slope[0] * g, p.slope[2] * g}};
  return {{p.corner[0] / g, p.slope[0] * g, p.slope[1] * g}, {p.corner[1] / g, p.slope[1] * g, p.slope[2] * g}};
}

}  // namespace

SingleParameters::SingleParameters(const Problem& problem) : problem_(problem), net_(problem.network), grid_(problem.grid) {}

bool SingleParameters::applies(const Grid::Class& cls) const {
  if (cls.failures != 1 || problem_.canonical || !net_.is_dense()) return false;
  for (std::size_t s = 0; s < grid_.stages().size(); ++s) {
    if (cls.codes[s] == 0) continue;
    const Grid::Stage& stage = grid_.stages()[s];
    if (stage.layer + 1 < net_.depth() || !Response::applies(net_, std::max<Index>(stage.layer, 1))) return false;
    for (std::size_t t = 0; t < stage.members.size(); ++t) {
      const Space::Term& term = grid_.space().terms()[grid_.manners()[t].term];
      const bool here = stage.left(cls.codes[s], t) > 0;
      if (here && (!on_parameters(term.failure.effect) || term.struck[static_cast<std::size_t>(stage.layer)].places != 1)) return false;
    }
  }
  return true;
}

void SingleParameters::begin(const Grid::Batch& batch) {
  to_.clear(), from_.clear(), change_.clear();
  each_run(grid_, batch, [this](const std::vector<Choice>& choices, const Walker::Run& run, std::uint64_t, std::size_t) {
    const Grid::Stage& stage = grid_.stages()[static_cast<std::size_t>(choices.back().stage)];
    const Manner& manner = grid_.manners()[static_cast<std::size_t>(run.manner)];
    const Failure& failure = grid_.space().terms()[manner.term].failure;
    layer_ = stage.layer;
    for (Index m = run.first; m < run.last; ++m) {
      const Site& site = stage.sites[static_cast<std::size_t>(stage.members[static_cast<std::size_t>(run.manner)][static_cast<std::size_t>(m)])];
      const double weight = stored(net_, site);
      to_.push_back(static_cast<int>(site.to));
      from_.push_back(site.is_bias() ? -1 : static_cast<int>(site.sender()));
      change_.push_back(sends(failure, manner.way, site, 1, weight) - weight);
    }
  });
}

void SingleParameters::begin_input(const Walk& walk) {
  walk_ = &walk;
  if (layer_ + 1 != net_.depth()) return;
  const auto receivers = static_cast<std::size_t>(net_.width(layer_));
  const double bytes = 32.0 * static_cast<double>(net_.width(net_.depth()) * net_.outputs()) * static_cast<double>(receivers);
  const auto inputs = static_cast<std::size_t>(problem_.inputs.rows());
  const bool keep = bytes * static_cast<double>(inputs) <= kept_bytes;
  if (curved_ != layer_) curves_.assign(keep ? inputs : 1, std::vector<Curve>(receivers));
  curved_ = layer_;
  if (!keep) curves_.front().assign(receivers, {});
  if (outgoing_.size() == 0) outgoing_ = net_.map(net_.layers()).matrix()->transpose();
}

/// The pieces in one direction, from what the intact receiver sends.
void SingleParameters::follow(Index receiver, double sign, std::vector<double>& starts, std::vector<double>& lines) const {
  const Index behind = layer_ + 1, outputs = net_.outputs();
  const Matrix& in = *net_.map(behind).matrix();
  const Activation& phi = net_.activation(behind);
  const Vector& sums = walk_->pre(behind);
  const std::vector<Corner> corners = corners_of(phi);
  struct Bend {
    double distance;
    Index neuron;
    double slopes;  // by which the neuron's signal bends, per distance
  };
  std::vector<Bend> bends;
  Vector slope = Vector::Zero(outputs);
  for (Index k = 0; k < sums.size(); ++k) {
    const double rate = sign * in(k, receiver), s = sums(k);
    if (rate == 0) continue;
    double here = corners.empty() ? phi.pieces().slope[0] * phi.gain() : 0;
    for (std::size_t c = 0; c < corners.size(); ++c)  // on a corner, the piece that the sum moves into
      if (rate > 0 ? s >= corners[c].at : s > corners[c].at) here = corners[c].right;
      else if (c == 0) here = corners[c].left;
    slope += outgoing_.row(k).transpose() * (here * rate);
    for (const Corner& corner : corners) {
      const double distance = (corner.at - s) / rate;
      if (distance > 0) bends.push_back({distance, k, (rate > 0 ? corner.right - corner.left : corner.left - corner.right) * rate});
    }
  }
  std::sort(bends.begin(), bends.end(), [](const Bend& a, const Bend& b) { return a.distance < b.distance; });
  Vector value = walk_->post(net_.layers());
  starts.assign(1, 0.0);
  starts.reserve(bends.size() + 1);
  lines.clear();
  lines.reserve((bends.size() + 1) * 2 * static_cast<std::size_t>(outputs));
  const auto write = [&] {
    lines.insert(lines.end(), value.data(), value.data() + outputs);
    lines.insert(lines.end(), slope.data(), slope.data() + outputs);
  };
  write();
  for (const Bend& bend : bends) {
    value += slope * (bend.distance - starts.back());
    slope += outgoing_.row(bend.neuron).transpose() * bend.slopes;
    starts.push_back(bend.distance);
    write();
  }
}

void SingleParameters::bend(Index receiver, Curve& curve) const {
  follow(receiver, 1, curve.up, curve.up_lines);
  follow(receiver, -1, curve.down, curve.down_lines);
  curve.known = true;
}

/// Outputs where a receiver of layer L - 1 sends so much more.
void SingleParameters::along(Index receiver, Index n, const double* sent, double* block, Index ld) {
  const std::size_t input = curves_.size() > 1 ? static_cast<std::size_t>(walk_->input()) : 0;
  Curve& curve = curves_[input][static_cast<std::size_t>(receiver)];
  if (!curve.known) bend(receiver, curve);
  const Index outputs = net_.outputs();
  for (Index i = 0; i < n; ++i) {
    const double distance = std::abs(sent[i]);
    const bool up = sent[i] > 0;
    const std::vector<double>& starts = up ? curve.up : curve.down;
    const auto piece = std::upper_bound(starts.begin(), starts.end(), distance) - starts.begin() - 1;
    const double* line = (up ? curve.up_lines : curve.down_lines).data() + piece * 2 * outputs;
    const double rest = distance - starts[static_cast<std::size_t>(piece)];
    for (Index o = 0; o < outputs; ++o) block[o * ld + i] = line[o] + line[outputs + o] * rest;
  }
}

void SingleParameters::run(std::uint64_t first, Index n, double* block, Index ld) {
  const Index outputs = net_.outputs();
  const Vector &signals = walk_->post(layer_ - 1), &intact = walk_->post(net_.layers());
  moved_.resize(static_cast<std::size_t>(n));
  for (Index i = 0; i < n; ++i) {
    const std::size_t at = first + static_cast<std::size_t>(i);
    moved_[static_cast<std::size_t>(i)] = change_[at] * (from_[at] < 0 ? 1 : signals(from_[at]));
  }
  if (layer_ == net_.layers()) {
    for (Index o = 0; o < outputs; ++o) std::fill_n(block + o * ld, n, intact(o));
    for (Index i = 0; i < n; ++i) block[to_[first + static_cast<std::size_t>(i)] * ld + i] += moved_[static_cast<std::size_t>(i)];
    return;
  }
  for (Index begin = 0, end = 0; begin < n; begin = end) {  // flips of one receiver stand together
    const Index receiver = to_[first + static_cast<std::size_t>(begin)];
    for (end = begin; end < n && to_[first + static_cast<std::size_t>(end)] == receiver; ++end) {}
    double* sent = moved_.data() + begin;
    const double sum = walk_->pre(layer_)(receiver), signal = walk_->post(layer_)(receiver);
    for (Index i = 0; i < end - begin; ++i) sent[i] += sum;
    activate(net_.activation(layer_), sent, end - begin);
    for (Index i = 0; i < end - begin; ++i) sent[i] -= signal;
    if (layer_ < net_.depth()) {
      along(receiver, end - begin, sent, block + begin, ld);
      continue;
    }
    const Matrix& out = *net_.map(net_.layers()).matrix();
    for (Index o = 0; o < outputs; ++o) {
      const double weight = out(o, receiver), value = intact(o);
      double* row = block + o * ld + begin;
      for (Index i = 0; i < end - begin; ++i) row[i] = value + weight * sent[i];
    }
  }
}

}  // namespace withstand::enumerate
