// SPDX-License-Identifier: MIT
#include "withstand/failed.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "core/index.hpp"
#include "failure/effects.hpp"
#include "withstand/parallel.hpp"

namespace withstand {
namespace {

const Failure& failure_of(const Space& space, const Failed& failed) { return space.terms()[failed.term].failure; }

void check_one(const Space& space, const Failed& failed) {
  if (failed.term >= space.terms().size() || !space.terms()[failed.term].has(failed.site))
    throw std::invalid_argument(space.describe() + ": a failed component is no candidate of its term");
}

/// One neuron or synapse of what failed.
struct Part {
  Site site, component;
  const Failed* failed;
};

std::vector<Part> parts_of(const Network& net, const Space& space, const std::vector<Failed>& failed) {
  std::vector<Part> parts;
  std::vector<Site> places;
  for (const Failed& f : failed) {
    places_of(net, space.terms()[f.term], f.site, places);
    for (const Site& site : places) parts.push_back({site, f.site, &f});
  }
  settle(parts);
  return parts;
}

/// What a neuron or synapse would have sent in both executions.
Signal signal_at(const Network& net, const Site& site, const Trace& intact, const Trace& arriving) {
  if (!site.is_synapse()) return {intact.post[at(site.layer)](site.to), arriving.post[at(site.layer)](site.to)};
  if (site.from == Site::one) return {1, 1, net.bias(site.layer)(site.to)};
  const std::size_t sender = at(site.layer - 1);
  const double weight = net.map(site.layer).weight(site.to, site.from);
  return {intact.post[sender](site.from), arriving.post[sender](site.from), weight};
}

/// `given` is the intact execution; null where it is to be computed if it is needed.
std::vector<Forced> forced_by(const Network& net, const Space& space, ConstVectorRef input, const Trace* given,
                              const std::vector<Failed>& failed) {
  for (const Failed& f : failed) check_one(space, f);
  const std::vector<Part> parts = parts_of(net, space, failed);
  std::vector<Forced> forced;
  std::optional<Trace> own, faulty;
  for (auto next = parts.begin(), end = next; next != parts.end(); next = end) {  // layer by layer: failures may be heard
    const Index layer = next->site.layer;
    end = std::find_if(next, parts.end(), [layer](const Part& p) { return p.site.layer != layer; });
    const bool listens =
        std::any_of(next, end, [&](const Part& p) { return hears_something(failure_of(space, *p.failed)); });
    if (listens && given == nullptr) given = &own.emplace(trace(net, input));
    if (listens && !forced.empty()) faulty = trace(net, input, forced);
    const auto arriving = [&]() -> const Trace& { return faulty ? *faulty : *given; };
    const auto neurons = static_cast<std::ptrdiff_t>(forced.size());
    for (auto p = next; p != end; ++p) {  // synapses first: what neurons would send depends on them
      if (!p->site.is_synapse()) continue;
      const Signal signal = listens ? signal_at(net, p->site, *given, arriving()) : Signal{};
      forced.push_back({p->site, sends(failure_of(space, *p->failed), *p->failed, signal)});
    }
    const bool deaf = std::none_of(next, end, [&](const Part& p) {
      return !p.site.is_synapse() && hears_failures(failure_of(space, *p.failed));
    });
    if (!deaf && static_cast<std::ptrdiff_t>(forced.size()) > neurons) faulty = trace(net, input, forced);
    for (auto p = next; p != end; ++p) {
      if (p->site.is_synapse()) continue;
      const Failure& failure = failure_of(space, *p->failed);
      if (!is_counted(failure.effect) && !forced.empty() && forced.back().site == p->site) {
        forced.back().value += p->failed->free;  // noise of several models adds up
        continue;
      }
      const Signal signal = listens ? signal_at(net, p->site, *given, arriving()) : Signal{};
      forced.push_back({p->site, sends(failure, *p->failed, signal)});
    }
    std::sort(forced.begin() + neurons, forced.end(), [](const Forced& a, const Forced& b) { return a.site < b.site; });
  }
  return forced;
}

}  // namespace

std::vector<Forced> forced_by(const Network& net, const Space& space, ConstVectorRef input,
                              const std::vector<Failed>& failed) {
  return forced_by(net, space, input, nullptr, failed);
}

std::vector<Forced> forced_by(const Network& net, const Space& space, const Trace& intact, const std::vector<Failed>& failed) {
  return forced_by(net, space, intact.post.front(), &intact, failed);
}

bool is_finite(const std::vector<Forced>& forced) {
  return std::all_of(forced.begin(), forced.end(), [](const Forced& f) { return std::isfinite(f.value); });
}

std::vector<Forced> values_of(const Network& net, const Space& space, const std::vector<Forced>& forced,
                              const std::vector<Failed>& failed) {
  std::vector<Forced> values;
  std::vector<Site> places;
  for (const Failed& f : failed) {
    const Space::Term& term = space.terms()[f.term];
    if (f.site.is_parameter()) {
      values.push_back({f.site, sends(term.failure, f.way, f.site, 1, stored(net, f.site))});
      continue;
    }
    places_of(net, term, f.site, places);
    for (const Site& site : places)
      for (const Forced& held : forced)
        if (held.site == site) values.push_back(held);
  }
  std::sort(values.begin(), values.end(), [](const Forced& a, const Forced& b) { return a.site < b.site; });
  return values;
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
  const Interval free = freedom(failure, {});
  return {{{}, 0, 0, free.lower}, {{}, 0, 0, free.upper}};
}

}  // namespace withstand
