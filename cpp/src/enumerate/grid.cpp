// SPDX-License-Identifier: MIT
#include "enumerate/grid.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>

#include "failure/effects.hpp"
#include "withstand/parallel.hpp"

namespace withstand::enumerate {
namespace {

constexpr double largest_table = 1 << 27;
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

std::uint64_t saturating_add(std::uint64_t a, std::uint64_t b) { return a > most - b ? most : a + b; }

void check_countable(const Space& space) {
  for (const Space::Term& term : space.terms())
    if (ways(term.failure) == 0)
      throw std::invalid_argument(term.failure.describe() +
                                  ": a failed component may take any value of an interval, which cannot be enumerated; "
                                  "use worst_case");
  const bool readable = std::isfinite(space.magnitude());
  const std::optional<Natural> count = readable ? space.configurations() : std::nullopt;
  if (!count || !count->fits_int64())
    throw std::invalid_argument(space.describe() + " has " + (count ? count->to_string() : "too many to write down") +
                                " configurations, at most 2^63 - 1 can be enumerated; use worst_case or bound, or "
                                "allow fewer failures");
}

/// Where some components are left for each of several terms, every combination of numbers has a row.
void check_table(const Space& space, Index layer) {
  double entries = 1, sites = 1;
  for (const Space::Term& term : space.terms()) {
    entries *= static_cast<double>(term.most(layer)) + 1;
    sites += term.most(layer) > 0 ? static_cast<double>(term.sites[static_cast<std::size_t>(layer)].size()) : 0;
  }
  if (entries * sites > largest_table)
    throw std::invalid_argument(space.describe() + ": sharing out the components of layer " + std::to_string(layer) +
                                " takes a table of more than 2^27 entries; use worst_case or bound");
}

bool has_way(const Network& net, const Space& space, const Manner& manner, const Site& site) {
  const Space::Term& term = space.terms()[manner.term];
  return term.ways.empty() || offers(term.failure, manner.way, site, stored(net, site));
}

/// The components of a stage, which may be millions of synapses, and those of each manner among them.
void merge_candidates(const Network& net, const Space& space, const std::vector<Manner>& manners, Grid::Stage& stage) {
  std::vector<Site> merged;
  for (const Space::Term& term : space.terms()) {
    if (term.most(stage.layer) == 0) continue;
    const std::vector<Site>& sites = term.sites[static_cast<std::size_t>(stage.layer)];
    merged.clear();
    std::set_union(stage.sites.begin(), stage.sites.end(), sites.begin(), sites.end(), std::back_inserter(merged));
    stage.sites.swap(merged);
  }
  const std::size_t count = stage.caps.size();
  stage.members.resize(count);
  stage.behind.resize(count);
  for (std::size_t t = 0; t < count; ++t) {
    std::vector<int>&members = stage.members[t], &behind = stage.behind[t];
    behind.assign(stage.sites.size(), 0);
    if (stage.caps[t] == 0) continue;
    const std::vector<Site>& sites = space.terms()[manners[t].term].sites[static_cast<std::size_t>(stage.layer)];
    members.reserve(sites.size());
    auto next = sites.begin();
    for (std::size_t p = 0; p < stage.sites.size(); ++p) {
      if (p % 4096 == 0) interruption_point();
      if (next != sites.end() && *next == stage.sites[p]) {
        if (has_way(net, space, manners[t], *next)) members.push_back(static_cast<int>(p));
        ++next;
      }
      behind[p] = static_cast<int>(members.size());
    }
  }
}

/// completions(p, code) for every p and code: a component is left alone, or given to one of its manners.
void count_completions(Grid::Stage& stage) {
  const std::size_t n = stage.sites.size();
  std::vector<std::vector<std::size_t>> open(stage.codes);  // manners that have failures left
  for (std::uint32_t code = 0; code < stage.codes; ++code)
    for (std::size_t t = 0; t < stage.caps.size(); ++t)
      if (stage.left(code, t) > 0) open[code].push_back(t);
  stage.ways.assign((n + 1) * stage.codes, 0);
  stage.ways[n * stage.codes] = 1;
  for (std::size_t p = n; p-- > 0;) {
    if (p % 1024 == 0) interruption_point();
    for (std::uint32_t code = 0; code < stage.codes; ++code) {
      std::uint64_t sum = stage.completions(static_cast<Index>(p) + 1, code);
      for (const std::size_t t : open[code])
        if (stage.offers(static_cast<Index>(p), t))
          sum = saturating_add(sum, stage.completions(static_cast<Index>(p) + 1, code - stage.stride[t]));
      stage.ways[p * stage.codes + code] = sum;
    }
  }
}

}  // namespace

Grid::Grid(const Network& net, const Space& space, std::uint64_t batch_size)
    : space_(space), plain_(space.plain()), batch_size_(batch_size) {
  check_countable(space);
  for (std::size_t t = 0; t < space.terms().size(); ++t) {
    first_.push_back(manners_.size());
    for (int way = 0; way < ways(space.terms()[t].failure); ++way) {
      manners_.push_back({t, way});
      values_.push_back(plain_ ? sends(space.terms()[t].failure, way, {}, 0) : 0);
    }
  }
  for (Index layer = 0; layer <= space.layers(); ++layer) add_stage(net, layer);
  std::vector<std::uint32_t> codes(stages_.size(), 0);
  std::vector<Index> used(space.terms().size(), 0);
  add_classes(codes, used, 0, 0);
  std::stable_sort(classes_.begin(), classes_.end(),
                   [](const Class& a, const Class& b) { return a.failures < b.failures; });
  for (Class& cls : classes_) {
    cls.first = configurations_;
    cls.first_batch = batches_;
    configurations_ += cls.size;
    batches_ += (cls.size + batch_size_ - 1) / batch_size_;
  }
}

void Grid::add_stage(const Network& net, Index layer) {
  Stage stage;
  stage.layer = layer;
  check_table(space_, layer);
  for (const Space::Term& term : space_.terms()) {
    const auto cap = static_cast<int>(term.most(layer));
    for (int way = 0; way < ways(term.failure); ++way) {
      stage.caps.push_back(cap);
      stage.stride.push_back(stage.codes);
    }
    stage.codes *= static_cast<std::uint32_t>(cap + 1);
  }
  if (stage.codes == 1) return;
  merge_candidates(net, space_, manners_, stage);
  count_completions(stage);
  stages_.push_back(std::move(stage));
}

/// Every way to split the terms' counts over the stages.
void Grid::add_classes(std::vector<std::uint32_t>& codes, std::vector<Index>& used, std::size_t stage,
                       std::size_t term) {
  if (stage == stages_.size()) return finish_class(codes, used);
  if (term == used.size()) {
    if (stages_[stage].completions(0, codes[stage]) > 0) add_classes(codes, used, stage + 1, 0);
    return;
  }
  const Stage& here = stages_[stage];
  const Failure& failure = space_.terms()[term].failure;
  const Index cap = here.caps[first_[term]];
  const Index room = failure.total ? failure.counts.front() - used[term] : cap;
  const Index largest = std::min(room, cap);
  const Index smallest = !failure.total && failure.exactly ? largest : 0;
  for (Index count = smallest; count <= largest; ++count) {
    codes[stage] += here.stride[first_[term]] * static_cast<std::uint32_t>(count);
    used[term] += count;
    add_classes(codes, used, stage, term + 1);
    used[term] -= count;
    codes[stage] -= here.stride[first_[term]] * static_cast<std::uint32_t>(count);
  }
}

void Grid::finish_class(const std::vector<std::uint32_t>& codes, const std::vector<Index>& used) {
  Class cls;
  cls.codes = codes;
  cls.size = 1;
  for (std::size_t t = 0; t < used.size(); ++t) {
    const Failure& failure = space_.terms()[t].failure;
    if (failure.total && failure.exactly && used[t] != failure.counts.front()) return;
    cls.failures += static_cast<int>(used[t]);
  }
  for (std::size_t s = 0; s < codes.size(); ++s) cls.size *= stages_[s].completions(0, codes[s]);
  classes_.push_back(std::move(cls));
}

std::vector<Failed> Grid::failed(const Choice* choices, std::size_t count) const {
  std::vector<Failed> all;
  for (std::size_t d = 0; d < count; ++d) {
    const Manner& manner = manners_[static_cast<std::size_t>(choices[d].manner)];
    all.push_back({site(choices[d]), manner.term, manner.way, 0});
  }
  return all;
}

std::vector<Site> Grid::components() const {
  std::vector<Site> all;
  for (const Stage& stage : stages_) all.insert(all.end(), stage.sites.begin(), stage.sites.end());
  return all;
}

Grid::Batch Grid::batch(std::uint64_t index) const {
  const auto after = std::upper_bound(classes_.begin(), classes_.end(), index,
                                      [](std::uint64_t i, const Class& cls) { return i < cls.first_batch; });
  const auto cls = static_cast<std::size_t>(after - classes_.begin() - 1);
  const std::uint64_t begin = (index - classes_[cls].first_batch) * batch_size_;
  return {cls, begin, std::min(batch_size_, classes_[cls].size - begin)};
}

std::uint64_t Grid::rank(std::uint64_t index) const {
  if (index >= batches_) return configurations_;
  const Batch here = batch(index);
  return classes_[here.cls].first + here.begin;
}

int Grid::failures(const Class& cls, std::size_t stage) const {
  int sum = 0;
  for (const std::size_t manner : first_) sum += stages_[stage].left(cls.codes[stage], manner);
  return sum;
}

}  // namespace withstand::enumerate
