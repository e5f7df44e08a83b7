// SPDX-License-Identifier: MIT
#include "withstand/space.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/require.hpp"
#include "failure/counting.hpp"

namespace withstand {
namespace {

/// Written out only where a condition is violated.
struct Who {
  const Failure& failure;
  friend std::ostream& operator<<(std::ostream& out, const Who& who) { return out << who.failure.describe(); }
};

std::string name_of(const Site& site) {
  std::ostringstream out;
  out << "(" << site.layer << ", " << site.to;
  if (site.is_synapse()) out << ", " << site.from;
  out << ")";
  return out.str();
}

void check_site(const Network& net, const Failure& failure, const Site& site) {
  const Who who{failure};
  if (on_synapses(failure.effect)) {
    require(site.is_synapse(), who, ": among names ", name_of(site), ", a synapse is (layer, to, from)");
    require(site.layer >= 1 && site.layer <= net.layers(), who, ": among names ", name_of(site),
            ", synapses enter layers 1 to ", net.layers());
    require(site.from < net.width(site.layer - 1), who, ": among names ", name_of(site), ", layer ", site.layer - 1,
            " has ", net.width(site.layer - 1), " neurons");
  } else if (failure.effect == Effect::noise) {  // its amplitudes are those of hidden layers
    require(!site.is_synapse() && site.layer >= 1 && site.layer <= net.depth(), who, ": among names ", name_of(site),
            ", noise is of neurons in layers 1 to ", net.depth());
  } else {
    require(!site.is_synapse(), who, ": among names ", name_of(site), ", a neuron is (layer, neuron)");
    require(site.layer >= 0 && site.layer <= net.depth(), who, ": among names ", name_of(site),
            ", failing neurons are in layers 0 (inputs) to ", net.depth(), "; outputs never fail");
  }
  require(site.to >= 0 && site.to < net.own(site.layer), who, ": among names ", name_of(site), ", layer ",
          site.layer, " has ", net.own(site.layer), " neurons");
  require(site.is_synapse() || net.may_fail(site.layer), who, ": among names ", name_of(site), ", layer ", site.layer,
          " is one that cannot fail");
}

/// Every hidden neuron, or every synapse.
void add_every_site(const Network& net, Space::Term& term) {
  const bool synapses = on_synapses(term.failure.effect);
  std::vector<Index> senders;
  for (Index l = 1; l <= (synapses ? net.layers() : net.depth()); ++l) {
    std::vector<Site>& sites = term.sites[static_cast<std::size_t>(l)];
    const Index receivers = net.failing(l);
    sites.reserve(static_cast<std::size_t>(synapses ? net.map(l).cost() : static_cast<double>(receivers)));
    for (Index to = 0; to < receivers; ++to) {
      if (synapses) net.map(l).synapses_of_row(to, senders);
      else senders.assign(1, -1);
      for (const Index from : senders) sites.push_back({l, to, from});
    }
    term.candidates += static_cast<Index>(sites.size());
  }
}

void add_named_sites(const Network& net, Space::Term& term) {
  const Failure& failure = term.failure;
  std::vector<Site> sites = *failure.among;
  for (const Site& site : sites) check_site(net, failure, site);
  std::sort(sites.begin(), sites.end());
  const auto twice = std::adjacent_find(sites.begin(), sites.end());
  require(twice == sites.end(), Who{failure}, ": among names ", twice == sites.end() ? "" : name_of(*twice), " twice");
  for (const Site& site : sites) term.sites[static_cast<std::size_t>(site.layer)].push_back(site);
  term.candidates = static_cast<Index>(sites.size());
}

void check_amount(const Network& net, const Failure& failure) {
  const Who who{failure};
  const bool signed_amount = failure.effect == Effect::stuck;
  for (double amount : failure.amount) {
    require(std::isfinite(amount), who, ": ", signed_amount ? "value" : "capacity", " must be finite, got ", amount);
    require(signed_amount || amount >= 0, who, ": capacity must be at least 0, got ", amount);
  }
  if (failure.effect == Effect::noise)
    require(failure.amount.size() == 1 || static_cast<Index>(failure.amount.size()) == net.depth(), who, ": ",
            failure.amount.size(), " amplitudes for ", net.depth(), " hidden layers");
}

void check_counts(const Network& net, const Space::Term& term) {
  const Failure& failure = term.failure;
  const Who who{failure};
  const bool synapses = on_synapses(failure.effect);
  const char* things = synapses ? "synapses" : "neurons";
  for (Index count : failure.counts) require(count >= 0, who, ": counts must be at least 0, got ", count);
  if (failure.total) {
    require(failure.counts.size() == 1, who, ": a total is one count");
    require(failure.counts[0] <= term.candidates, who, ": ", term.candidates, " ", things, " can fail, not ",
            failure.counts[0]);
    return;
  }
  const Index expected = synapses ? net.layers() : net.depth();
  require(static_cast<Index>(failure.counts.size()) == expected, who, ": ", failure.counts.size(), " counts for ",
          expected, synapses ? " layers of synapses" : " hidden layers");
  require(term.sites[0].empty(), who, ": per-layer counts speak of hidden layers, among names an input; add ",
          "a second model for the inputs");
  for (Index l = 1; l <= expected; ++l) {
    const auto available = static_cast<Index>(term.sites[static_cast<std::size_t>(l)].size());
    require(term.count(l) <= available, who, ": layer ", l, " has ", available, " ", things,
            failure.among ? " among the candidates" : "", ", at most ", available, " can fail");
  }
}

Space::Term resolve(const Network& net, const Failure& failure) {
  Space::Term term{failure, std::vector<std::vector<Site>>(static_cast<std::size_t>(net.layers()) + 1), 0};
  check_amount(net, failure);
  if (failure.among) add_named_sites(net, term);
  else add_every_site(net, term);
  if (failure.effect == Effect::noise) return term;  // every candidate is noisy, nothing is counted
  check_counts(net, term);
  return term;
}

}  // namespace

Index Space::Term::count(Index layer) const {
  if (failure.total) return failure.counts.front();
  return layer >= 1 && layer <= static_cast<Index>(failure.counts.size())
             ? failure.counts[static_cast<std::size_t>(layer - 1)]
             : 0;
}

Index Space::Term::most(Index layer) const {
  if (failure.effect == Effect::noise) return static_cast<Index>(sites[static_cast<std::size_t>(layer)].size());
  return std::min(count(layer), static_cast<Index>(sites[static_cast<std::size_t>(layer)].size()));
}

Space::Space(const Network& network, const std::vector<Failure>& failures) : layers_(network.layers()) {
  require(!failures.empty(), "a failure space needs at least one failure model");
  for (const Failure& failure : failures) terms_.push_back(resolve(network, failure));
  require(terms_.size() == 1 || counting::fits(*this), describe(),
          ": the models share components and there are not enough of them to fail together");
}

bool Space::finite() const {
  return std::all_of(terms_.begin(), terms_.end(), [](const Term& t) { return is_finite(t.failure.effect); });
}

bool Space::at_most() const {
  return std::none_of(terms_.begin(), terms_.end(), [](const Term& t) { return t.failure.exactly; });
}

std::string Space::describe() const {
  std::string out;
  for (const Term& term : terms_) out += (out.empty() ? "" : " + ") + term.failure.describe();
  return out;
}

}  // namespace withstand
