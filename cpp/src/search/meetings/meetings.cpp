// SPDX-License-Identifier: MIT
#include "search/meetings/meetings.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/index.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

/// Whether signals reach few others: all weights take at most half of the multiplications that matrices would.
bool sparse(const Network& net) {
  double dense = 0;
  for (Index l = 1; l <= net.layers(); ++l) dense += static_cast<double>(net.own(l) * net.own(l - 1));
  return net.cost() <= dense / 2;
}

}  // namespace

Index Meetings::most(const Network& net, const Choices& choices) {
  const Activation& out = net.activation(net.layers());
  const bool synapses = std::any_of(choices.stages.begin(), choices.stages.end(),
                                    [](const Choices::Stage& stage) { return stage.synapses && !stage.options.empty(); });
  if (synapses || choices.exactly() || !sparse(net) || !out.identity() || out.gain() != 1) return 0;
  Index count = 0;
  for (const Choices::Quota& quota : choices.quotas) count += quota.count;
  return count;
}

Meetings::Worker::Worker(const Network& net, const Singles& singles, const Trace& intact)
    : reached(net), encounter(net, singles), outputs(net.outputs()) {
  reached.start(intact.pre, intact.post);
}

Meetings::Meetings(const BranchBound::Row& row, const Choices& choices, const Singles& singles, const Trace& intact,
                   Incumbent& incumbent, Budget& budget, int threads)
    : row_(row), net_(row.problem.network), choices_(choices), singles_(singles), intact_(intact), incumbent_(incumbent),
      budget_(budget), threads_(threads), failures_(most(net_, choices)), base_(row.problem.harm.rows().rows()) {
  const Harm& harm = row.problem.harm;
  for (Index o = 0; o < base_.size(); ++o) base_(o) = harm.gauge(o, harm.rows().row(o).dot(intact.pre.back()));
  for (std::size_t n = 0; n < singles_.options().size(); ++n) {
    const double* effect = singles_.effect(n);
    gain_.push_back(effect == nullptr ? 0 : *std::max_element(effect, effect + base_.size()));
  }
  // What is added up here are harms of single failures, and differences of four signals at every meeting of two.
  const double failures = static_cast<double>(failures_);
  margin_ = 2 * failures * row.noise;
  for (Index l = 1; l <= net_.depth(); ++l)
    if (const Index count = singles_.places().count(l))
      margin_ += 8 * failures * row.problem.reach->sent_noise[at(l)].head(count).dot(singles_.steep()[at(l)].head(count));
  for (std::size_t n = 0; n < gain_.size(); ++n)
    if (singles_.effect(n) != nullptr) firsts_.push_back(n);
  std::stable_sort(firsts_.begin(), firsts_.end(), [&](std::size_t a, std::size_t b) { return gain_[a] > gain_[b]; });
  team_.resize(static_cast<std::size_t>(workers(firsts_.size(), threads_)));
}

bool Meetings::together(std::size_t a, std::size_t b, std::size_t c) const {
  const std::size_t set[] = {a, b, c};
  const auto option = [&](std::size_t n) -> const Option& { return singles_.options()[n]; };
  for (std::size_t n = 1; n < 3 && set[n] != none; ++n) {
    Index of_quota = 1;
    for (std::size_t m = 0; m < n; ++m) {
      if (option(set[m]).site == option(set[n]).site) return false;
      of_quota += option(set[m]).quota == option(set[n]).quota ? 1 : 0;
    }
    if (of_quota > choices_.quotas[option(set[n]).quota].count) return false;
  }
  return true;
}

double Meetings::value(std::size_t a, std::size_t b) const {
  const double* const x = singles_.effect(a);
  const double* const y = singles_.effect(b);
  double most = -std::numeric_limits<double>::infinity();
  for (Index o = 0; o < base_.size(); ++o) most = std::max(most, base_(o) + x[o] + (y == nullptr ? 0 : y[o]));
  return most;
}

Meetings::Worker& Meetings::member(int number) {
  std::unique_ptr<Worker>& worker = team_[static_cast<std::size_t>(number)];
  if (!worker) worker = std::make_unique<Worker>(net_, singles_, intact_);
  return *worker;
}

bool Meetings::for_each_first(const std::function<void(Worker&, std::size_t)>& visit) {
  return parallel_for(
      firsts_.size(), threads_,
      [&](std::uint64_t task, int worker) { visit(member(worker), firsts_[static_cast<std::size_t>(task)]); },
      [&](std::uint64_t done) { return budget_.poll(done); });
}

Encounter::Alone Meetings::alone(std::size_t option) const {
  const Site& site = singles_.options()[option].site;
  if (singles_.effect(option) == nullptr) return {site, nullptr, nullptr};
  return {site, singles_.begin(option, site.layer + 1), singles_.end(option, net_.depth())};
}

void Meetings::take(Worker& worker, std::size_t option) const {
  worker.reached.undo();
  add(worker, option);
}

void Meetings::add(Worker& worker, std::size_t option) const {
  const Option& o = singles_.options()[option];
  worker.reached.commit(o.site.layer, o.site.to, o.value);
}

void Meetings::evaluate(Worker& worker, std::initializer_list<std::size_t> taken, std::size_t last) {
  const Option& option = singles_.options()[last];
  worker.reached.run(option.site.layer, option.site.to, option.value, worker.outputs.data(), 1);
  ++evaluations_;
  if (row_.problem.harm(worker.outputs) + row_.noise < incumbent_.harm()) return;
  std::vector<std::size_t> failed(taken);
  failed.push_back(last);
  offer(std::move(failed));
}

/// Replay a set, and keep it if it is the worst.
void Meetings::offer(std::vector<std::size_t> failed) {
  std::vector<Forced> forced;
  for (const std::size_t n : failed) forced.push_back({singles_.options()[n].site, singles_.options()[n].value});
  const Layered::Problem& problem = row_.problem;
  incumbent_.offer(problem.network, problem.harm, problem.input, problem.input_index, std::move(forced), problem.precise);
}

void Meetings::seed() {
  Worker& worker = member(0);
  const auto size = static_cast<std::size_t>(failures_);
  for (Index o = 0; o < base_.size(); ++o) {
    const auto more = [&](std::size_t a, std::size_t b) { return singles_.effect(a)[o] > singles_.effect(b)[o]; };
    std::vector<std::size_t> best(std::min<std::size_t>(8, firsts_.size()));
    std::partial_sort_copy(firsts_.begin(), firsts_.end(), best.begin(), best.end(), more);
    std::vector<std::size_t> set;
    for (const std::size_t n : best)
      if (set.empty() || (set.size() < size && (set.size() == 1 ? together(set[0], n) : together(set[0], set[1], n))))
        set.push_back(n);
    std::sort(set.begin(), set.end());  // in the order of the layers
    take(worker, set.front());
    if (set.size() == 2) evaluate(worker, {set[0]}, set[1]);
    if (set.size() < 3) continue;
    add(worker, set[1]);
    evaluate(worker, {set[0], set[1]}, set[2]);
  }
}

}  // namespace withstand::search
