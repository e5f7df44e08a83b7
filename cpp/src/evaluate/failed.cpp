// SPDX-License-Identifier: MIT
#include "withstand/failed.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

#include "failure/effects.hpp"
#include "withstand/parallel.hpp"

namespace withstand {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

using Cursor = std::vector<Failed>::const_iterator;

const Failure& failure_of(const Space& space, const Failed& failed) { return space.terms()[failed.term].failure; }

void check(const Space& space, const Failed& failed) {
  const Site& site = failed.site;
  const bool layer = failed.term < space.terms().size() && site.layer >= 0 && site.layer <= space.layers();
  const std::vector<Site> nowhere;
  const std::vector<Site>& sites = layer ? space.terms()[failed.term].sites[at(site.layer)] : nowhere;
  if (!std::binary_search(sites.begin(), sites.end(), site))
    throw std::invalid_argument(space.describe() + ": a failed component is no candidate of its term");
}

/// What a component would have sent in both executions.
Signal signal_at(const Network& net, const Site& site, const Trace& intact, const Trace& arriving) {
  if (!site.is_synapse()) return {intact.post[at(site.layer)](site.to), arriving.post[at(site.layer)](site.to)};
  const std::size_t sender = at(site.layer - 1);
  const double weight = net.map(site.layer).weight(site.to, site.from);
  return {intact.post[sender](site.from), arriving.post[sender](site.from), weight};
}

}  // namespace

std::vector<Forced> forced_by(const Network& net, const Space& space, ConstVectorRef input, std::vector<Failed> failed) {
  for (const Failed& f : failed) check(space, f);
  std::stable_sort(failed.begin(), failed.end(), [](const Failed& a, const Failed& b) { return a.site < b.site; });
  std::vector<Forced> forced;
  std::optional<Trace> intact, faulty;
  for (Cursor next = failed.begin(), end; next != failed.end(); next = end) {  // layer by layer: failures may be heard
    const Index layer = next->site.layer;
    end = std::find_if(next, failed.cend(), [layer](const Failed& f) { return f.site.layer != layer; });
    const bool listens = std::any_of(next, end, [&](const Failed& f) { return hears_something(failure_of(space, f)); });
    if (listens && !intact) intact = trace(net, input);
    if (listens && !forced.empty()) faulty = trace(net, input, forced);
    const std::optional<Trace>& arriving = forced.empty() ? intact : faulty;
    for (Cursor f = next; f != end; ++f) {
      const Signal signal = listens ? signal_at(net, f->site, *intact, *arriving) : Signal{};
      forced.push_back({f->site, sends(failure_of(space, *f), *f, signal)});
    }
  }
  return forced;
}

Matrix forward_batch(const Network& net, const Space& space, const ConstMatrixRef& inputs,
                     const std::vector<Failed>& failed) {
  Matrix outputs(inputs.rows(), net.outputs());
  for (Index n = 0; n < inputs.rows(); ++n) {
    interruption_point();
    const Vector input = inputs.row(n).transpose();
    outputs.row(n) = forward(net, input, forced_by(net, space, input, failed));
  }
  return outputs;
}

std::vector<Failed> choices_of(const Failure& failure) {
  std::vector<Failed> all;
  for (int way = 0; way < ways(failure); ++way) all.push_back({{}, 0, way, 0});
  if (!all.empty()) return all;
  const Interval free = freedom(failure);
  return {{{}, 0, 0, free.lower}, {{}, 0, 0, free.upper}};
}

}  // namespace withstand
