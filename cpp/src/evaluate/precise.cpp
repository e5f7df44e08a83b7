// SPDX-License-Identifier: MIT
// Numbers of about 106 bits as unevaluated sums of two doubles (Dekker 1971, Knuth): the error of every sum and product
// of doubles is a double itself.
#include "evaluate/precise.hpp"

#include <algorithm>
#include <cmath>

#include "core/index.hpp"
#include "core/rounding.hpp"
#include "withstand/parallel.hpp"

namespace withstand {
namespace {

using Number = Precise::Number;

/// a + b, with its error. Where the sum overflows there is no error to speak of.
Number two_sum(double a, double b) {
  const double sum = a + b, part = sum - a;
  return {sum, std::isfinite(sum) ? (a - (sum - part)) + (b - part) : 0};
}

Number operator+(const Number& a, const Number& b) {
  const Number sum = two_sum(a.high, b.high);
  return two_sum(sum.high, sum.low + (a.low + b.low));
}

Number operator*(double w, const Number& a) {
  const double product = w * a.high;
  return two_sum(product, std::fma(w, a.high, -product) + w * a.low);
}

Number operator-(const Number& a) { return {-a.high, -a.low}; }

bool less(const Number& a, const Number& b) { return a.high != b.high ? a.high < b.high : a.low < b.low; }

/// Smooth functions know no more digits than libm gives.
Number apply(const Activation& phi, const Number& s) {
  if (!phi.piecewise_linear()) return {phi(s.high), 0};
  const Number t = phi.gain() * s;
  const Pieces& p = phi.pieces();
  int k = p.ramp ? 1 : 0;
  while (!p.ramp && k < p.corners && !less(t, {p.corner[k], 0})) ++k;
  if (p.slope[k] == 0) return {p.intercept[k], 0};
  const Number line = p.slope[k] == 1 ? t : p.slope[k] * t;
  const Number value = p.intercept[k] == 0 ? line : line + Number{p.intercept[k], 0};
  return p.ramp ? std::min(std::max(value, Number{p.intercept[0], 0}, less), Number{p.intercept[2], 0}, less) : value;
}

}  // namespace

Precise::Precise(const Network& net, const Harm& harm, ConstVectorRef input, double noise, double error)
    : net_(net), harm_(harm), noise_(noise), error_(error), nominal_(at(net.layers()) + 1) {
  for (const double x : input) nominal_[0].push_back({x, 0});
  const Forced* none = nullptr;
  for (Index l = 1; l <= net.layers(); ++l) {
    nominal_[at(l)] = nominal_[at(l - 1)];
    run(l, nominal_[at(l)], none, nullptr);
  }
}

Precise::Number Precise::receive(Index l, Index j, const Signals& signals, const Forced* first,
                                 const Forced* last) const {
  Terms terms;
  net_.map(l).terms_of_row(j, terms);
  Number sum{net_.bias(l)(j), 0};
  for (Index t = 0; t < terms.size; ++t) {
    const Index i = terms.sender(t);
    for (; first != last && first->site.from < i; ++first) sum = sum + Number{first->value, 0};
    const bool dead = first != last && first->site.from == i;
    sum = sum + (dead ? Number{first->value, 0} : terms.weight[t] * signals[at(i)]);
    if (dead) ++first;
  }
  for (; first != last; ++first) sum = sum + Number{first->value, 0};
  return sum;
}

/// Signals of layer l - 1 become those of layer l; `next` moves behind the failures in it.
void Precise::run(Index l, Signals& signals, const Forced*& next, const Forced* end) const {
  Signals post(at(net_.width(l)));
  for (Index j = 0; j < net_.width(l); ++j) {
    interruption_point();
    const Forced* first = next;
    while (next != end && next->site.layer == l && next->site.to == j) ++next;
    const bool neuron = first != next && !first->site.is_synapse();  // sorts before the synapses of the neuron
    post[at(j)] = neuron ? Number{first->value, 0}
                         : apply(net_.activation(l, j), receive(l, j, signals, first, next));
  }
  signals = std::move(post);
}

/// Signals of layer l - 1 under these failures; `next` moves behind those in it and before.
Precise::Signals Precise::before(Index l, const std::vector<Forced>& failed, const Forced*& next) const {
  const Forced* const end = failed.data() + failed.size();
  next = failed.data();
  const Index first = failed.empty() ? l : std::min(l, std::max<Index>(failed.front().site.layer, 1));
  Signals signals = nominal_[at(first - 1)];
  for (; next != end && next->site.layer == 0; ++next) signals[at(next->site.to)] = {next->value, 0};
  for (Index layer = first; layer < l; ++layer) run(layer, signals, next, end);
  return signals;
}

double Precise::above(const std::vector<Forced>& failed) const {
  const Forced* next = nullptr;
  Signals signals = before(net_.layers(), failed, next);
  run(net_.layers(), signals, next, failed.data() + failed.size());
  const Signals& intact = nominal_.back();
  const bool flips = harm_.goal() == Goal::argmax;
  double worst = -infinity;
  for (std::size_t k = 0; k < signals.size(); ++k) {
    if (flips && k == at(harm_.chosen())) continue;
    const Number off = signals[k] + -(flips ? signals[at(harm_.chosen())] : intact[k]);
    const Number harm = !flips && less(off, {}) ? -off : off;
    worst = std::max(worst, add_up(harm.high, harm.low));
  }
  return std::isnan(worst) ? infinity : add_up(worst, error_);
}

/// By how much a candidate of the last stage moves the objective: a neuron of the last hidden layer, or a synapse.
Number Precise::gain(const Forced& open, Index objective, const Signals& signals) const {
  const auto row = harm_.rows().row(objective);
  const Affine& map = net_.map(net_.layers());
  const Site& site = open.site;
  if (site.is_synapse()) return -row(site.to) * (map.weight(site.to, site.from) * signals[at(site.from)]);
  const Number moved = Number{open.value, 0} + -signals[at(site.to)];
  Number sum;
  for (Index k = 0; k < row.size(); ++k) sum = sum + row(k) * (map.weight(k, site.to) * moved);
  return sum;
}

double Precise::above(const Contest& contest) const {
  const Forced* next = nullptr;
  const Signals signals = before(net_.layers(), contest.failed, next);
  const Forced* const end = contest.failed.data() + contest.failed.size();
  const auto row = harm_.rows().row(contest.objective);
  Number sum;
  for (Index k = 0; k < row.size(); ++k) {
    const Forced* first = next;
    while (next != end && next->site.to == k) ++next;
    sum = sum + row(k) * receive(net_.layers(), k, signals, first, next);
  }
  std::vector<Number> gains;
  for (const Forced& open : contest.open) gains.push_back(gain(open, contest.objective, signals));
  std::sort(gains.begin(), gains.end(), [](const Number& a, const Number& b) { return less(b, a); });
  for (Index n = 0; n < std::min(contest.most, static_cast<Index>(gains.size())); ++n)
    if (n < contest.least || less({}, gains[at(n)])) sum = sum + gains[at(n)];
  if (harm_.goal() == Goal::argmax) return add_up(add_up(sum.high, sum.low), error_);
  const Index m = net_.outputs(), k = contest.objective % m;
  const bool up = contest.objective < m;
  const Number reached = apply(net_.activation(net_.layers()), up ? sum : -sum);
  const Number off = up ? reached + -nominal_.back()[at(k)] : nominal_.back()[at(k)] + -reached;
  const double harm = add_up(add_up(off.high, off.low), error_);
  return std::isnan(harm) ? infinity : harm;
}

}  // namespace withstand
