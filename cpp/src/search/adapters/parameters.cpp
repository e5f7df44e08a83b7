// SPDX-License-Identifier: MIT
#include "search/adapters/parameters.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "bounds/influence.hpp"
#include "core/rounding.hpp"
#include "failure/effects.hpp"
#include "withstand/bound.hpp"
#include "withstand/failed.hpp"

namespace withstand::search {
namespace {

using bounds::Influence;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

/// A failed parameter and its way: what it adds to its receiver per unit of its sender's signal.
struct Flip {
  Site site;
  int way = 0;
  double change = 0;
  double gain = 0;  ///< the most it does to the objective at hand
};

bool applies(const Network& net, const Space& space, const Domain& domain) {
  if (!net.is_dense() || net.is_graph() || space.terms().size() != 1 || !space.at_most()) return false;
  const Space::Term& term = space.terms().front();
  if (!on_parameters(term.failure.effect) || !term.failure.total) return false;
  for (Index n = 0; n < domain.size(); ++n)
    if (!domain.is_point(n)) return false;
  for (const Space::Term::Struck& struck : term.struck)
    if (struck.infinite) return false;
  return Influence::applies(net, space);
}

/// The search at one input.
class AtInput {
 public:
  AtInput(const Network& net, const Space& space, const Domain& domain, Index row, const SearchOptions& options,
          Budget& budget, Incumbent& incumbent)
      : net_(net), space_(space), input_(domain.lower.row(row).transpose()), row_(row), goal_(options.goal), budget_(budget),
        incumbent_(incumbent), harm_(net, input_, goal_), nominal_(trace(net, input_)), count_(space.terms().front().failure.counts.front()) {
    const Domain point = Domain::points(input_.transpose());
    noise_ = withstand::bound(net, space, point, Method::capped, Goal::error, 1).slack;
    noise_ = 2 * noise_ + 1e-13 * harm_.rows().cwiseAbs().rowwise().sum().maxCoeff() * nominal_.pre.back().cwiseAbs().maxCoeff();
    nominal_ranges_ = propagate(net, input_, input_);
    list();
    before_.resize(at(count_) + 1), pre_ = before_;
  }

  double noise() const { return noise_; }
  std::uint64_t evaluations() const { return evaluations_; }

  /// Failures of the outputs alone, selected exactly.
  void select_outputs() {
    for (Index o = 0; o < harm_.rows().rows(); ++o) stratum(0, o);
  }
  /// Whether nothing that includes a failure before the outputs does more than `level`, or than what is found on the way;
  /// false where the budget ended first.
  bool none_above(double level) {
    level_ = level;
    known_.resize(at(count_) + 1, std::vector<double>(at(harm_.rows().rows()), infinity));
    for (Index hidden = 1; hidden <= count_; ++hidden)
      for (Index o = 0; o < harm_.rows().rows(); ++o)
        if (known_[at(hidden)][at(o)] > level_ && !stratum(hidden, o)) return false;
    return true;
  }
  bool usable() const { return harm_.by_objectives(); }

 private:
  void list() {
    const Space::Term& term = space_.terms().front();
    flips_.resize(at(net_.layers()) + 1);
    for (Index l = 1; l <= net_.layers(); ++l)
      for (const Site& site : term.sites[at(l)]) {
        const double weight = stored(net_, site);
        for (int way = 0; way < ways(term.failure); ++way)
          if (offers(term.failure, way, site, weight))
            flips_[at(l)].push_back({site, way, sends(term.failure, way, site, 1, weight) - weight, 0});
      }
  }

  const Influence& influence(Index hidden) {
    while (static_cast<Index>(influences_.size()) <= hidden) {
      std::vector<Failure> fewer{space_.terms().front().failure};
      fewer.front().counts = {static_cast<Index>(influences_.size())};
      spaces_.push_back(std::make_unique<Space>(net_, fewer));
      influences_.push_back(std::make_unique<Influence>(net_, *spaces_.back(), nominal_ranges_));
    }
    return *influences_[at(hidden)];
  }

  /// What weights into the outputs add to the objective, per unit of what their senders transmit.
  void list_closing() {
    closing_.clear();
    best_.clear();
    const std::vector<Flip>& outputs = flips_.back();
    for (std::size_t n = 0; n < outputs.size();) {  // the ways of a parameter stand together
      const Site& site = outputs[n].site;
      const double factor = objective_(site.to);
      Influence::Closing c{site.is_bias() ? -1 : site.sender(), 0, 0};
      std::size_t low = n, high = n;
      for (; n < outputs.size() && outputs[n].site == site; ++n) {
        const double change = factor * outputs[n].change;
        if (change < c.low) c.low = change, low = n;
        if (change > c.high) c.high = change, high = n;
      }
      if (c.low == 0 && c.high == 0) continue;
      closing_.push_back(c);
      best_.push_back({low, high});
    }
  }

  /// Sets with exactly so many failures before the outputs, and as many there as are left, for one objective.
  bool stratum(Index hidden, Index objective) {
    if (!budget_.tick()) return false;
    objective_ = harm_.rows().row(objective).transpose();
    index_ = objective;
    closed_ = count_ - hidden;
    list_closing();
    taken_.clear();
    if (hidden == 0) {
      pre_[0] = nominal_.pre[at(net_.layers())];
      before_[0] = nominal_.post[at(net_.depth())];
      close(0);
      return !budget_.stopped();
    }
    const Influence& influence = this->influence(hidden);
    std::vector<Influence::Closing> senders;
    for (const Influence::Closing& c : closing_)
      if (c.sender >= 0) senders.push_back(c);
    const Influence::Units units = influence.units(objective_, senders, closed_);
    sorted_.assign(at(net_.layers()), {});
    for (Index l = 1; l <= net_.depth(); ++l) {
      for (Flip flip : flips_[at(l)]) {
        const Interval y = flip.site.is_bias() ? Interval{1, 1} : influence.reachable(l - 1, flip.site.sender());
        const double a = flip.change * y.lower, b = flip.change * y.upper;
        flip.gain = std::max(mul_up(std::max({a, b, 0.0}), units.rise[at(l)](flip.site.to)),
                             mul_up(std::max({-a, -b, 0.0}), units.fall[at(l)](flip.site.to))) * (1 + 1e-12);
        sorted_[at(l)].push_back(flip);
      }
      std::sort(sorted_[at(l)].begin(), sorted_[at(l)].end(), [](const Flip& x, const Flip& y) { return x.gain > y.gain; });
    }
    from_ = 1;
    pre_[0] = nominal_.pre[at(net_.layers())];
    before_[0] = nominal_.post[at(net_.depth())];
    const double value = value_of(0);
    known_[at(hidden)][at(objective)] = harm_at(value + left_over(hidden, 1, 0)) + noise_;
    return extend(0, hidden, 1, 0, value);
  }

  /// The objective of the sums in a state, closed by selection: what it would be with the best of the outputs' failures.
  double value_of(std::size_t depth) {
    double value = objective_.dot(pre_[depth]);
    gains_.clear();
    for (const Influence::Closing& c : closing_) {
      const double y = c.sender < 0 ? 1 : before_[depth](c.sender);
      const double gain = std::max(c.low * y, c.high * y);
      if (gain > 0) gains_.push_back(gain);
    }
    const auto kept = std::min<std::size_t>(gains_.size(), at(closed_));
    std::partial_sort(gains_.begin(), gains_.begin() + static_cast<std::ptrdiff_t>(kept), gains_.end(), std::greater<>());
    for (std::size_t n = 0; n < kept; ++n) value += gains_[n];
    return value;
  }

  double harm_at(double value) const { return harm_.gauge(index_, value); }

  /// The most that so many flips do, of those of layer l from position p on and of all later layers.
  double left_over(Index count, Index l, std::size_t p) const {
    std::vector<std::size_t> next(at(net_.layers()), 0);
    next[at(l)] = p;
    double sum = 0;
    for (Index n = 0; n < count; ++n) {
      Index best = -1;
      for (Index t = l; t <= net_.depth(); ++t)
        if (next[at(t)] < sorted_[at(t)].size() &&
            (best < 0 || sorted_[at(t)][next[at(t)]].gain > sorted_[at(best)][next[at(best)]].gain))
          best = t;
      if (best < 0) break;
      sum += sorted_[at(best)][next[at(best)]++].gain;
    }
    return sum;
  }

  /// Extend a state whose closed objective is `value` by so many flips of layers from l on.
  bool extend(std::size_t depth, Index open, Index l, std::size_t p, double value) {
    for (Index t = l; t <= net_.depth(); ++t)
      for (std::size_t n = t == l ? p : 0; n < sorted_[at(t)].size(); ++n) {
        const Flip& flip = sorted_[at(t)][n];
        const double most = value + flip.gain + left_over(open - 1, t, n + 1);
        if (harm_at(most) + noise_ <= level_) break;  // later ones of the layer do no more
        if ((++evaluations_ & 1023U) == 0 && !budget_.tick()) return false;
        if (std::any_of(taken_.begin(), taken_.end(), [&](const Flip* f) { return f->site == flip.site; })) continue;
        taken_.push_back(&flip);
        run(depth + 1);
        const double closed = value_of(depth + 1);
        if (open == 1 && harm_at(closed) + noise_ >= incumbent_.harm()) close(depth + 1);
        const bool on = open == 1 || extend(depth + 1, open - 1, t, n + 1, closed);
        taken_.pop_back();
        if (!on) return false;
      }
    return true;
  }

  /// The outputs' sums, and what enters them, with the flips that are taken: all of layers from the first one on.
  void run(std::size_t depth) {
    const Index first = taken_.front()->site.layer;
    signals_ = nominal_.post[at(first - 1)];
    std::size_t n = 0;
    for (Index l = first;; ++l) {
      if (l == first) sums_ = nominal_.pre[at(l)];
      else sums_.noalias() = *net_.map(l).matrix() * signals_, sums_ += net_.bias(l);
      for (; n < taken_.size() && taken_[n]->site.layer == l; ++n)
        sums_(taken_[n]->site.to) += taken_[n]->change * (taken_[n]->site.is_bias() ? 1 : signals_(taken_[n]->site.sender()));
      if (l == net_.layers()) break;
      signals_ = sums_;
      net_.activation(l).apply(signals_.data(), signals_.size());
    }
    pre_[depth] = sums_;
    before_[depth] = signals_;
  }

  /// Offer the state with the best failures of the outputs.
  void close(std::size_t depth) {
    std::vector<std::pair<double, std::size_t>> chosen;
    for (std::size_t n = 0; n < closing_.size(); ++n) {
      const double y = closing_[n].sender < 0 ? 1 : before_[depth](closing_[n].sender);
      const bool high = closing_[n].high * y >= closing_[n].low * y;
      const double gain = high ? closing_[n].high * y : closing_[n].low * y;
      if (gain > 0) chosen.emplace_back(gain, high ? best_[n].second : best_[n].first);
    }
    std::sort(chosen.begin(), chosen.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<Failed> failed;
    for (const Flip* flip : taken_) failed.push_back({flip->site, 0, flip->way, 0});
    for (std::size_t n = 0; n < chosen.size() && n < at(closed_); ++n)
      failed.push_back({flips_.back()[chosen[n].second].site, 0, flips_.back()[chosen[n].second].way, 0});
    const std::vector<Forced> forced = forced_by(net_, space_, nominal_, failed);
    const double before = incumbent_.harm();
    if (incumbent_.offer(net_, harm_, input_, row_, forced) > before) found_ = failed;
    level_ = std::max(level_, incumbent_.harm());
  }

 public:
  const std::vector<Failed>& found() const { return found_; }

 private:
  const Network& net_;
  const Space& space_;
  Vector input_;
  Index row_;
  Goal goal_;
  Budget& budget_;
  Incumbent& incumbent_;
  Harm harm_;
  Trace nominal_;
  Index count_;
  Nominal nominal_ranges_;
  double noise_ = 0, level_ = 0;
  std::vector<std::vector<Flip>> flips_, sorted_;  // [layer]; of hidden layers by decreasing gain
  std::vector<std::unique_ptr<Space>> spaces_;
  std::vector<std::unique_ptr<Influence>> influences_;  // with so many failures before the outputs
  std::vector<Influence::Closing> closing_;
  std::vector<std::pair<std::size_t, std::size_t>> best_;  // flips of the outputs that add least and most
  Vector objective_;
  Index index_ = 0, closed_ = 0, from_ = 1;
  std::vector<std::vector<double>> known_;  // [failures before the outputs][objective]: no set does more
  std::vector<const Flip*> taken_;
  std::vector<Vector> pre_, before_;  // [depth]
  Vector signals_, sums_;
  std::vector<double> gains_;
  std::vector<Failed> found_;
  std::uint64_t evaluations_ = 0;
};

}  // namespace

std::optional<SearchResult> by_parameters(const Network& net, const Space& space, const Domain& domain,
                                          const SearchOptions& options, double ceiling, Budget& budget) {
  if (!applies(net, space, domain)) return std::nullopt;
  Incumbent incumbent;
  std::vector<std::unique_ptr<AtInput>> inputs;
  for (Index n = 0; n < domain.size(); ++n) {
    inputs.push_back(std::make_unique<AtInput>(net, space, domain, n, options, budget, incumbent));
    if (!inputs.back()->usable()) return std::nullopt;
  }
  double noise = 0;
  for (const auto& input : inputs) noise = std::max(noise, input->noise());
  for (const auto& input : inputs) input->select_outputs();
  // Coarse questions first: each answer is a bound. Whatever does more than half-way up is looked for first.
  double upper = ceiling;
  bool on = true;
  for (double share = 0.5; on; share = share > 0.01 ? 0.5 * share : 0) {
    const double level = std::max(incumbent.harm(), incumbent.harm() + share * (upper - incumbent.harm()));
    for (const auto& input : inputs) on = on && input->none_above(level);
    if (on) upper = std::min(upper, std::max(level, incumbent.harm()) + 2 * noise);
    if (share == 0 || upper - incumbent.harm() <= options.gap * std::abs(upper)) break;
  }
  SearchResult result;
  result.lower = incumbent.harm();
  result.upper = std::max(upper, result.lower);
  result.rounding = 4 * noise;
  const bool exact = result.upper - result.lower <= result.rounding;
  result.status = exact ? SearchStatus::exact : on ? SearchStatus::gap : budget.interrupted() ? SearchStatus::interrupted : SearchStatus::budget;
  result.witness = incumbent.witness();
  for (const auto& input : inputs) {
    result.evaluations += input->evaluations();
    if (!result.witness || input->found().empty()) continue;
    const std::vector<Forced> forced = forced_by(net, space, domain.lower.row(result.witness->input_index).transpose(), input->found());
    const auto same = [](const Forced& a, const Forced& b) { return a.site == b.site && a.value == b.value; };
    if (result.witness->failed.size() != forced.size() ||
        !std::equal(forced.begin(), forced.end(), result.witness->failed.begin(), same))
      continue;
    result.witness->ways = input->found();
  }
  if (result.witness) result.witness->failed = values_of(net, space, result.witness->failed, result.witness->ways);
  result.nodes = budget.nodes();
  return result;
}

}  // namespace withstand::search
