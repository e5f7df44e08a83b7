// SPDX-License-Identifier: MIT
#include "single_parameters.hpp"

#include <algorithm>
#include <cmath>

#include "evaluate/ranges.hpp"
#include "failure/effects.hpp"
#include "kernels/kernels.hpp"
#include "response.hpp"

namespace withstand::enumerate {
namespace {

constexpr std::size_t most_kept = 8'000'000;  // numbers of curves that a worker keeps

}  // namespace

SingleParameters::SingleParameters(const Problem& problem)
    : problem_(problem), net_(problem.network), grid_(problem.grid), follower_(problem.network) {}

bool SingleParameters::applies(const Grid::Class& cls) const {
  if (cls.failures != 1 || problem_.canonical || !net_.is_dense()) return false;
  for (std::size_t s = 0; s < grid_.stages().size(); ++s) {
    if (cls.codes[s] == 0) continue;
    const Grid::Stage& stage = grid_.stages()[s];
    if (!Response::applies(net_, stage.layer + 1) || !pays(stage.layer, cls.size)) return false;
    for (std::size_t t = 0; t < stage.members.size(); ++t) {
      const Space::Term& term = grid_.space().terms()[grid_.manners()[t].term];
      const bool here = stage.left(cls.codes[s], t) > 0;
      if (here && (!on_parameters(term.failure.effect) || term.struck[static_cast<std::size_t>(stage.layer)].places != 1)) return false;
    }
  }
  return true;
}

/// Whether following the curves of all receivers takes less than a product with every layer for each configuration. A
/// neuron bends once or so; a bend turns a layer by a column, and those behind it by a product with one vector, which is
/// some times as slow as one with many.
bool SingleParameters::pays(Index layer, std::uint64_t configurations) const {
  const auto width = [this](Index l) { return static_cast<double>(net_.width(l)); };
  double knots = 0, followed = 0, tried = 0;
  for (Index l = layer + 1; l <= net_.layers(); ++l) {
    followed += knots * width(l);
    if (l > layer + 2) followed += 4 * (knots - width(l - 1)) * width(l) * width(l - 1);
    if (l > layer + 1) tried += width(l) * width(l - 1);
    knots += width(l);
  }
  return followed * width(layer) <= tried * static_cast<double>(configurations);
}

void SingleParameters::begin(const Grid::Batch& batch) {
  ends_.clear(), from_.clear(), change_.clear();
  receiver_.clear();
  each_run(grid_, batch, [this](const std::vector<Choice>& choices, const Walker::Run& run, std::uint64_t, std::size_t) {
    const Grid::Stage& stage = grid_.stages()[static_cast<std::size_t>(choices.back().stage)];
    const Manner& manner = grid_.manners()[static_cast<std::size_t>(run.manner)];
    const Failure& failure = grid_.space().terms()[manner.term].failure;
    layer_ = stage.layer;
    for (Index m = run.first; m < run.last; ++m) {
      const Site& site = stage.sites[static_cast<std::size_t>(stage.members[static_cast<std::size_t>(run.manner)][static_cast<std::size_t>(m)])];
      const double weight = stored(net_, site);
      if (receiver_.empty() || receiver_.back() != site.to) {
        receiver_.push_back(site.to);
        ends_.push_back(0);
      }
      from_.push_back(static_cast<int>(site.is_bias() ? net_.width(layer_ - 1) : site.sender()));
      change_.push_back(sends(failure, manner.way, site, 1, weight) - weight);
      ends_.back() = change_.size();
    }
  });
  moved_.assign(change_.size() + static_cast<std::size_t>(kernels().lanes), 0.0);
  if (kept_layer_ == layer_) return;
  kept_layer_ = layer_;
  kept_.assign(static_cast<std::size_t>(problem_.inputs.rows() * net_.width(layer_)), {});
  kept_size_ = 0;
}

void SingleParameters::begin_input(const Walk& walk) {
  walk_ = &walk;
  const Vector& senders = walk.post(layer_ - 1);
  signals_.resize(senders.size() + 1);
  signals_ << senders, 1;
  followed_ = -1;
}

/// As far as any failure of a parameter of the layer moves the receiver, whatever the batch: its curve is always the same.
void SingleParameters::follow(Index receiver) {
  if (followed_ == receiver) return;
  const double sum = walk_->pre(layer_)(receiver), sent = walk_->post(layer_)(receiver);
  double change = 0;
  for (const Space::Term& term : grid_.space().terms())
    if (on_parameters(term.failure.effect)) change = std::max(change, term.struck[static_cast<std::size_t>(layer_)].change);
  const double reach = change * signals_.cwiseAbs().maxCoeff();
  const Interval range = values_over(net_.activation(layer_), {sum - reach, sum + reach});
  follower_.follow(*walk_, layer_, receiver, -1, std::max(0.0, sent - range.lower), down_);
  follower_.follow(*walk_, layer_, receiver, 1, std::max(0.0, range.upper - sent), up_);
  followed_ = receiver;
}

SingleParameters::Path SingleParameters::path(Index receiver) {
  Path& kept = kept_[static_cast<std::size_t>(walk_->input() * net_.width(layer_) + receiver)];
  if (kept.pieces > 0) return kept;
  follow(receiver);
  const Index decision = problem_.question.decisions ? problem_.decision[static_cast<std::size_t>(walk_->input())] : -1;
  harm_.trace(down_, up_, walk_->post(net_.layers()), decision);
  store_.resize(kept_size_);
  store_.insert(store_.end(), harm_.numbers().begin(), harm_.numbers().end());
  const Path made{kept_size_, harm_.numbers().size() / 4};
  if (store_.size() <= most_kept) kept = made, kept_size_ = store_.size();
  return made;
}

double SingleParameters::harms(std::size_t run, double* harms) {
  const Index receiver = receiver_[run];
  const std::size_t first = begin_of(run), end = ends_[run];
  const auto n = static_cast<Index>(end - first);
  double* moved = moved_.data() + first;
  const double sum = walk_->pre(layer_)(receiver), sent = walk_->post(layer_)(receiver);
  for (std::size_t i = first; i < end; ++i) moved_[i] = sum + change_[i] * signals_(from_[i]);
  activate(net_.activation(layer_), moved, n);
  for (Index i = 0; i < n; ++i) moved[i] -= sent;
  const Path here = path(receiver);
  return look_up_harm(n, moved, here.pieces, store_.data() + here.first, harms);
}

void SingleParameters::outputs(std::size_t run, std::size_t first, Index n, double* block, Index ld) {
  follow(receiver_[run]);
  for (Index i = 0; i < n; ++i) {
    const double moved = moved_[first + static_cast<std::size_t>(i)];
    (moved < 0 ? down_ : up_).look_up(std::abs(moved), block + i, ld);
  }
}

}  // namespace withstand::enumerate
