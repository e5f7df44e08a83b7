// SPDX-License-Identifier: MIT
#include "search/meetings/pairs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

bool Pairs::applies(const Network& net, const Choices& choices) {
  const Activation& out = net.activation(net.layers());
  Index count = 0;
  for (const Choices::Quota& quota : choices.quotas) count += quota.count;
  const bool synapses = std::any_of(choices.stages.begin(), choices.stages.end(),
                                    [](const Choices::Stage& stage) { return stage.synapses && !stage.options.empty(); });
  return count == 2 && !synapses && !choices.exactly() && !net.is_dense() && out.identity() && out.gain() == 1;
}

Pairs::Pairs(const BranchBound::Row& row, const Choices& choices, Singles singles, const Trace& intact,
             Incumbent& incumbent, Budget& budget, int threads)
    : row_(row), net_(row.problem.network), choices_(choices), singles_(std::move(singles)), intact_(intact),
      incumbent_(incumbent), budget_(budget), threads_(threads), base_(singles_.objectives()) {
  const Harm& harm = row.problem.harm;
  for (Index o = 0; o < base_.size(); ++o) base_(o) = harm.gauge(o, harm.rows().row(o).dot(intact.pre.back()));
  for (std::size_t n = 0; n < singles_.options().size(); ++n) {
    const double* effect = singles_.effect(n);
    gain_.push_back(effect == nullptr ? 0 : *std::max_element(effect, effect + base_.size()));
  }
  // What is added up here are two harms, and differences of four signals at every meeting.
  margin_ = 4 * row.noise;
  for (Index l = 1; l <= net_.depth(); ++l)
    if (const Index count = singles_.places().count(l))
      margin_ += 16 * row.problem.reach->sent_noise[at(l)].head(count).dot(singles_.steep()[at(l)].head(count));
}

/// Whether both may fail, and in this order: one that lies before another is taken first.
bool Pairs::together(std::size_t a, std::size_t b) const {
  const Option &x = singles_.options()[a], &y = singles_.options()[b];
  return x.site != y.site && (x.quota != y.quota || choices_.quotas[x.quota].count > 1);
}

/// The largest objective if they did together what they do alone.
double Pairs::value(std::size_t a, std::size_t b) const {
  const double *x = singles_.effect(a), *y = singles_.effect(b);
  double most = -std::numeric_limits<double>::infinity();
  for (Index o = 0; o < base_.size(); ++o) most = std::max(most, base_(o) + x[o] + (y == nullptr ? 0 : y[o]));
  return most;
}

Pairs::Worker::Worker(const Network& net, const Singles& singles, const Trace& intact) : reached(net) {
  reached.start(intact.pre, intact.post);
  for (Index l = 1; l <= net.depth(); ++l)
    for (Index j = 0; j < singles.places().count(l); ++j)
      places.push_back({intact.pre[at(l)](j), intact.pre[at(l)](j), singles.steep()[at(l)](j)});
  outputs.resize(net.outputs());
}

bool Pairs::run() {
  std::vector<std::size_t> firsts;
  for (std::size_t n = 0; n < gain_.size(); ++n)
    if (singles_.effect(n) != nullptr) firsts.push_back(n);  // what changes nothing leaves to the other what it does alone
  if (firsts.empty()) return true;
  std::stable_sort(firsts.begin(), firsts.end(), [&](std::size_t a, std::size_t b) { return gain_[a] > gain_[b]; });
  std::vector<std::unique_ptr<Worker>> team(at(workers(firsts.size(), threads_)));
  team.front() = std::make_unique<Worker>(net_, singles_, intact_);
  seed(*team.front(), firsts);
  return parallel_for(
      firsts.size(), threads_,
      [&](std::uint64_t task, int worker) {
        std::unique_ptr<Worker>& self = team[static_cast<std::size_t>(worker)];
        if (!self) self = std::make_unique<Worker>(net_, singles_, intact_);
        if (!budget_.spend(1)) throw Interrupted();
        second_failures(*self, firsts[static_cast<std::size_t>(task)]);
      },
      [&](std::uint64_t done) { return budget_.poll(done); });
}

/// For every objective the one and the two that add most to it: something to beat.
void Pairs::seed(Worker& worker, const std::vector<std::size_t>& changing) {
  for (Index o = 0; o < base_.size(); ++o) {
    const auto more = [&](std::size_t a, std::size_t b) { return singles_.effect(a)[o] > singles_.effect(b)[o]; };
    std::vector<std::size_t> best(std::min<std::size_t>(8, changing.size()));
    std::partial_sort_copy(changing.begin(), changing.end(), best.begin(), best.end(), more);
    for (std::size_t n = 1; n < best.size(); ++n) {
      const auto [a, b] = std::minmax(best[0], best[n]);
      if (!together(a, b)) continue;
      take(worker, a);
      evaluate(worker, a, b);
      break;
    }
  }
}

/// Take the first failure in.
void Pairs::take(Worker& worker, std::size_t a) const {
  for (const std::size_t place : worker.touched) worker.places[place].moved = worker.places[place].intact;
  worker.touched.clear();
  const Option& option = singles_.options()[a];
  Reached& reached = worker.reached;
  reached.undo();
  reached.commit(option.site.layer, option.site.to, option.value - reached.signal(option.site.layer, option.site.to));
  for (Index l = option.site.layer + 1; l <= reached.led_to(); ++l)
    for (const Index j : reached.sums(l).at)
      if (j < singles_.places().count(l)) {
        worker.touched.push_back(at(singles_.places().first(l) + j));
        worker.places[worker.touched.back()].moved = reached.pre(l)(j);
      }
}

/// All pairs of a failure and a later one.
void Pairs::second_failures(Worker& worker, std::size_t a) {
  interruption_point();
  take(worker, a);
  if (!hopeless(base_.maxCoeff() + gain_[a])) offer({a});
  const double high = base_.maxCoeff() + gain_[a];
  for (std::size_t b = a + 1; b < gain_.size(); ++b) {
    const Site& site = singles_.options()[b].site;
    // A failed neuron does not hand on what the first one does to it.
    const double lost = std::abs(worker.reached.signal(site.layer, site.to) - intact_.post[at(site.layer)](site.to)) *
                        singles_.steep()[at(site.layer)](site.to);
    const double met = lost + std::min(singles_.meets(a, site.layer), singles_.meets(b, site.layer));
    if (hopeless(high + gain_[b] + met) || !together(a, b)) continue;
    const double alone = value(a, b);
    if (!hopeless(alone + met) && !meet_harmlessly(worker, a, b, alone + lost)) evaluate(worker, a, b);
  }
}

/// Whether the two stay below the incumbent, by what they are at each place where they meet.
bool Pairs::meet_harmlessly(const Worker& worker, std::size_t a, std::size_t b, double bound) const {
  for (Index l = singles_.options()[b].site.layer + 1; l <= net_.depth(); ++l) {
    bound += meet(worker, b, l);
    if (hopeless(bound + std::min(singles_.meets(a, l), singles_.meets(b, l)))) return true;
  }
  return false;
}

/// What the meetings in a layer can add to an objective.
double Pairs::meet(const Worker& worker, std::size_t b, Index layer) const {
  const Singles::Touch *first = singles_.begin(b, layer), *last = singles_.end(b, layer);
  if (singles_.effect(b) == nullptr || first == last) return 0;
  const Activation& phi = net_.activation(layer);
  const auto sum = [&](const auto& sends) {
    double total = 0;
    for (const Singles::Touch* touch = first; touch < last; ++touch) {
      const Place& place = worker.places[static_cast<std::size_t>(touch->place)];
      const double together = sends(place.moved + touch->change) - sends(place.moved);
      const double alone = sends(place.intact + touch->change) - sends(place.intact);
      total += std::abs(together - alone) * place.steep;
    }
    return total;
  };
  if (phi.rectifier() && phi.gain() == 1) return sum([](double s) { return s > 0 ? s : 0.0; });
  return sum([&](double s) { return phi(s); });
}

void Pairs::evaluate(Worker& worker, std::size_t a, std::size_t b) {
  const Option& option = singles_.options()[b];
  worker.reached.run(option.site.layer, option.site.to, option.value - worker.reached.signal(option.site.layer, option.site.to),
                     worker.outputs.data(), 1);
  ++evaluations_;
  if (row_.problem.harm(worker.outputs) + row_.noise >= incumbent_.harm()) offer({a, b});
}

/// Replay a set, and keep it if it is the worst.
void Pairs::offer(const std::vector<std::size_t>& failed) {
  std::vector<Forced> forced;
  for (const std::size_t n : failed) forced.push_back({singles_.options()[n].site, singles_.options()[n].value});
  const Layered::Problem& problem = row_.problem;
  incumbent_.offer(problem.network, problem.harm, problem.input, problem.input_index, std::move(forced), problem.precise);
}

}  // namespace withstand::search
