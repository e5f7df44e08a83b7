// SPDX-License-Identifier: MIT
#include "evaluate/executions.hpp"

#include <algorithm>
#include <cmath>

#include "core/index.hpp"
#include "core/rounding.hpp"
#include "evaluate/precise.hpp"
#include "failure/effects.hpp"
#include "withstand/parallel.hpp"

namespace withstand {
namespace {

constexpr Index together = 128;            ///< executions of a block,
constexpr Index kept = Index{1} << 22;     ///< but no more than so many values

/// Of so many components the sets cannot be tried, and of fewer there are none with more failures.
constexpr Index countable = 64;

/// How often a layer reads the source that it reads most often: weights of the same sender add up.
double overlaps(const Network& net, Index layer) {
  std::ptrdiff_t most = 1;
  const std::vector<Read>& reads = net.reads(layer);
  for (const Read& read : reads)
    most = std::max(most, std::count_if(reads.begin(), reads.end(), [&](const Read& r) { return r.source == read.source; }));
  return static_cast<double>(most);
}

/// What an operation of each receiver may lose below the normal range, where its sum of magnitudes may be that small; 0 where all
/// its products are.
Vector underflows(const Affine& map, const Vector& signals, const Vector& sums) {
  Vector lost = Vector::Constant(map.rows(), 0x1p-1000);
  Terms terms;
  for (Index j = 0; j < map.rows(); ++j) {
    if (sums(j) > 0x1p-900) continue;
    map.terms_of_row(j, terms);
    bool any = false;
    for (Index t = 0; t < terms.size && !any; ++t) any = terms.weight[t] != 0 && signals(terms.sender(t)) != 0;
    if (!any) lost(j) = 0;
  }
  return lost;
}

}  // namespace

Executions::Executions(const Network& net, const Space& space, ConstVectorRef input, Index failures, bool skip)
    : net_(net), space_(space), failures_(failures), skip_(skip), intact_(trace(net, input)), failed_(space),
      blocks_(at(failures)) {
  for (const Vector& values : intact_.post) {
    largest_.emplace_back(values.cwiseAbs());
    depth_.emplace_back(Vector::Constant(values.size(), infinity));
  }
  constexpr double room = 16;  // values of other executions are larger; whether this is enough is seen at the end
  for (const Vector& off : rounding().sums) margin_.emplace_back(room * off);
}

std::vector<Forced> Executions::Seen::failed(Index column) const {
  std::vector<Forced> all;
  for (const Restriction::Failed& f : before.failed) all.push_back({f.site, f.lower});
  all.push_back({choices[column].site, choices[column].sent});
  return all;
}

void Executions::run(const Outputs& outputs, const Reached& reached) {
  outputs_ = &outputs;
  reached_ = &reached;
  descend(intact_, 0);
}

/// Everything with one more failure than `before`, and what comes behind that.
void Executions::descend(const Trace& before, Index depth) {
  Index values = 0;
  for (Index l = 0; l <= net_.layers(); ++l) values += 2 * net_.width(l);
  const Index step = std::max<Index>(8, std::min(together, kept / values));
  Block& block = blocks_[at(depth)];
  Trace child;
  for (Index l = failed_.failed.empty() ? 0 : failed_.failed.back().site.layer; l <= net_.depth(); ++l) {
    const std::vector<Choice> choices = next(before, l);
    for (Index first = 0; first < static_cast<Index>(choices.size()); first += step) {
      const Index count = std::min(step, static_cast<Index>(choices.size()) - first);
      interruption_point();
      execute(before, l, choices.data() + first, count, block);
      any_ = true;
      (*outputs_)({block.post.back(), failed_, choices.data() + first});
      const bool last = depth + 1 == failures_;
      for (Index c = 0; c < count && !(last && !*reached_); ++c) {
        const Choice& choice = choices[at(first + c)];
        const Restriction parent = failed_;
        failed_.fail(space_, choice.site, choice.term);
        failed_.failed.back().lower = failed_.failed.back().upper = choice.sent;
        if (last) {
          (*reached_)(failed_);
        } else {
          child.pre.resize(block.pre.size()), child.post.resize(block.post.size());
          for (Index t = l; t <= net_.layers(); ++t) child.post[at(t)] = block.post[at(t)].col(c);
          child.pre[at(l)] = before.pre[at(l)];
          for (Index t = l + 1; t <= net_.layers(); ++t) child.pre[at(t)] = block.pre[at(t)].col(c);
          descend(child, depth + 1);
        }
        failed_ = parent;
      }
    }
  }
}

/// What may fail next in a layer.
std::vector<Executions::Choice> Executions::next(const Trace& before, Index layer) {
  std::vector<Choice> choices;
  const Site* last = failed_.failed.empty() ? nullptr : &failed_.failed.back().site;
  for (std::size_t t = 0; t < space_.terms().size(); ++t) {
    const Failure& failure = space_.terms()[t].failure;
    if (failed_.remaining(space_, t, layer) == 0) continue;
    for (const Site& site : space_.terms()[t].sites[at(layer)]) {
      if (last != nullptr && !(*last < site)) continue;
      const double signal = before.post[at(layer)](site.to);
      for (int way = 0; way < ways(failure); ++way)
        if (const Choice choice{site, t, sends(failure, way, site, signal)}; !skip_ || !changes_nothing(before, choice))
          choices.push_back(choice);
    }
  }
  return choices;
}

/// Computed, it sends what it would send; and it does in real arithmetic, being an input, or a rectifier far below 0.
bool Executions::changes_nothing(const Trace& before, const Choice& choice) {
  const std::size_t l = at(choice.site.layer);
  const Index i = choice.site.to;
  if (choice.sent != before.post[l](i)) return false;
  if (l == 0) return true;
  const double below = -before.pre[l](i);
  if (!net_.activation(choice.site.layer).rectifier() || below < margin_[l](i)) return false;
  depth_[l](i) = std::min(depth_[l](i), below);
  return true;
}

/// A column per choice, from what was computed before it on.
void Executions::execute(const Trace& before, Index layer, const Choice* choices, Index count, Block& block) {
  block.pre.resize(at(net_.layers()) + 1), block.post.resize(at(net_.layers()) + 1);
  std::vector<int> senders;
  std::vector<double> changes;
  Matrix& sent = block.post[at(layer)] = before.post[at(layer)].replicate(1, count);
  for (Index c = 0; c < count; ++c) {
    const Index i = choices[c].site.to;
    senders.push_back(static_cast<int>(i));
    changes.push_back(choices[c].sent - sent(i, c));
    sent(i, c) = choices[c].sent;
    largest_[at(layer)](i) = std::max(largest_[at(layer)](i), std::abs(choices[c].sent));
  }
  for (Index l = layer + 1; l <= net_.layers(); ++l) {
    Matrix& pre = block.pre[at(l)];
    if (l == layer + 1) {
      pre.resize(net_.width(l), count);
      net_.map(l).spread(count, before.pre[at(l)].data(), senders.data(), changes.data(), pre.data(), count);
    } else {
      pre = net_.bias(l).replicate(1, count);
      net_.map(l).multiply_add(count, block.post[at(l - 1)].data(), count, pre.data(), count);
    }
    Matrix& post = block.post[at(l)] = pre;
    const Activation& phi = net_.activation(l);
    const Index own = net_.own(l) * count;
    if (phi.rectifier() && phi.gain() == 1) Eigen::Map<Vector>(post.data(), own) = Eigen::Map<Vector>(post.data(), own).cwiseMax(0.0);
    else phi.apply(post.data(), own);
    note(l, post);
  }
}

void Executions::note(Index layer, const Matrix& values) {
  largest_[at(layer)] = largest_[at(layer)].cwiseMax(values.cwiseAbs().rowwise().maxCoeff());
}

/// An execution's sums are off by what its signals are off by, times |W|, and by rounding, which the computed values
/// measure; one that is made from another one by a failure in the layer before is rounded a few times more.
Executions::Rounding Executions::rounding() const {
  Rounding error{Vector::Zero(net_.inputs()), Vector::Zero(net_.inputs()), {Vector::Zero(net_.inputs())}, true};
  for (Index l = 1; l <= net_.layers(); ++l) {
    const Affine& map = net_.map(l);
    const Activation& phi = net_.activation(l);
    const double twofold = overlaps(net_, l);
    const double operations = static_cast<double>(map.facts().terms) * twofold + 8 + 8 * static_cast<double>(failures_);
    const Vector sums = map.absolute_product(largest_[at(l - 1)]) + net_.bias(l).cwiseAbs();
    const Vector here = 2 * operations * unit_roundoff * sums;
    const Vector lost = operations * underflows(map, largest_[at(l - 1)] + error.doubles, sums);
    const Vector doubles = error.sums.emplace_back((map.absolute_product(error.doubles) + here) * (1 + 1e-9) + lost);
    const Vector twice = (map.absolute_product(error.precise) + twice_the_digits * here) * (1 + 1e-9) + lost;
    error.certain = error.certain && twofold == 1 && (depth_[at(l)].array() >= 2 * doubles.array()).all();
    const double scale = !phi.piecewise_linear() && phi.has_slope() ? 1 + phi.slope() : 1;
    const bool exact = phi.gain() == 1 && (phi.rectifier() || phi.identity());
    const Vector own = (exact ? 0 : 16) * unit_roundoff * (scale + largest_[at(l)].array());
    error.doubles = phi.lipschitz() * (1 + 1e-9) * doubles + own;
    error.precise = phi.lipschitz() * (1 + 1e-9) * twice + (phi.piecewise_linear() ? twice_the_digits : 1) * own;
    const Index wires = net_.width(l) - net_.own(l);
    error.doubles.tail(wires) = doubles.tail(wires);
    error.precise.tail(wires) = twice.tail(wires);
  }
  return error;
}

Index Executions::most(const Space& space) {
  Index most = 0;
  for (const Space::Term& term : space.terms())
    for (const Index count : term.failure.counts) most += count;
  return most;
}

std::vector<double> Executions::components(const Network& net, const Space& space, const Trace* intact) {
  std::vector<double> all(at(net.layers()), 0.0);
  for (const Space::Term& term : space.terms())
    for (Index l = 0; l <= net.depth(); ++l)
      for (const Site& site : term.most(l) > 0 ? term.sites[at(l)] : std::vector<Site>{})
        for (int way = 0; way < ways(term.failure); ++way) {
          const double signal = intact != nullptr ? intact->post[at(l)](site.to) : 0;
          all[at(l)] += intact == nullptr || sends(term.failure, way, site, signal) != signal ? 1 : 0;
        }
  return all;
}

/// Layer by layer: so many sets of m failures up to here, and what is executed behind the last one.
Executions::Cost Executions::cost(const Network& net, const Space& space, const std::vector<double>& components,
                                  Index failures) {
  Cost cost;
  failures = std::min(failures, countable);
  std::vector<double> sets(at(failures) + 1, 0.0);
  sets[0] = 1;
  for (Index l = 0; l <= net.depth(); ++l) {
    double products = 500;  // and its overhead
    for (Index t = l + 1; t <= net.layers(); ++t)
      products += 8 * static_cast<double>(net.width(t)) + (t > l + 1 ? net.map(t).cost() : 0);
    Index cap = 0;
    for (const Space::Term& term : space.terms()) cap += term.most(l);
    std::vector<double> after = sets;
    double chosen = 1;  // ways to choose so many of the layer
    for (Index here = 1; here <= std::min(cap, failures) && chosen > 0; ++here) {
      chosen *= std::max(0.0, components[at(l)] - static_cast<double>(here - 1)) / static_cast<double>(here);
      for (Index m = 0; m + here <= failures; ++m) {
        after[at(m + here)] += sets[at(m)] * chosen;
        cost.products += sets[at(m)] * chosen * products;
        cost.sets += sets[at(m)] * chosen;
      }
    }
    sets = std::move(after);
  }
  return cost;
}

}  // namespace withstand
