// SPDX-License-Identifier: MIT
#include "withstand/space.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "core/require.hpp"
#include "core/rounding.hpp"
#include "failure/counting.hpp"
#include "failure/effects.hpp"
#include "failure/site_name.hpp"

namespace withstand {
namespace {

/// Written out only where a condition is violated.
struct Who {
  const Failure& failure;
  friend std::ostream& operator<<(std::ostream& out, const Who& who) { return out << who.failure.describe(); }
};

/// A stored weight and something else between the same two neurons add up to one weight, of which no part can fail.
void check_alone(const Network& net, const Failure& failure, const Site& site) {
  require(site.is_bias() || net.map(site.layer).alone(site.to, site.sender()), Who{failure}, ": neuron ", site.to,
          " of layer ", site.layer, " hears neuron ", site.sender(), " of the layer before by a stored weight and in another ",
          "way too (as a residual in one layer does); their sum has no part that can fail. Write the second way as a layer ",
          "of its own, which cannot fail");
}

void check_site(const Network& net, const Failure& failure, const Site& site) {
  const Who who{failure};
  if (on_parameters(failure.effect)) {
    require(site.is_parameter() && site.layer >= 1 && site.layer <= net.layers(), who, ": among names ", name_of(site),
            ", which is no stored parameter");
    require(site.to >= 0 && site.to < net.own(site.layer), who, ": among names ", name_of(site), ", layer ", site.layer,
            " has ", net.own(site.layer), " neurons");
    require(site.is_bias() ? shared_biases(net, failure, site.layer) != nullptr : site.sender() < net.width(site.layer - 1),
            who, ": among names ", name_of(site), ", which is no stored parameter that may fail");
    return;
  }
  if (on_synapses(failure.effect)) {
    require(site.is_synapse(), who, ": among names ", name_of(site), ", a synapse is (layer, to, from)");
    require(site.layer >= 1 && site.layer <= net.layers(), who, ": among names ", name_of(site),
            ", synapses enter layers 1 to ", net.layers());
    require(site.from < net.width(site.layer - 1), who, ": among names ", name_of(site), ", layer ", site.layer - 1,
            " has ", net.width(site.layer - 1), " neurons");
  } else if (!is_counted(failure.effect)) {  // its amplitudes are those of hidden layers
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

/// Every parameter that some receiver hears, and, where they are words too, every bias.
void add_every_parameter(const Network& net, Space::Term& term) {
  for (Index l = 1; l <= net.layers(); ++l) {
    std::vector<Site>& sites = term.sites[static_cast<std::size_t>(l)];
    for (const Affine::Place& place : net.map(l).stored())
      if (place.to < net.own(l)) sites.push_back({l, place.to, Site::parameters + place.from});
    if (const std::vector<Index>* shared = shared_biases(net, term.failure, l))
      for (Index j = 0; j < net.own(l); ++j)
        if ((*shared)[static_cast<std::size_t>(j)] == j) sites.push_back({l, j, Site::parameters + Site::one});
    std::sort(sites.begin(), sites.end());
    term.candidates += static_cast<Index>(sites.size());
  }
}

/// What failed parameters can be; components without a way to fail are none.
void survey_parameters(const Network& net, Space::Term& term) {
  const Failure& failure = term.failure;
  term.struck.resize(term.sites.size());
  const bool stuck = failure.words && (failure.words->to || (failure.words->biases && failure.biases));
  if (stuck) term.ways.resize(term.sites.size());
  std::vector<Site> places;
  std::vector<Become> ways;
  const bool dense = net.is_dense();  // every weight has one place
  term.candidates = 0;
  for (std::size_t l = 1; l < term.sites.size(); ++l) {
    Space::Term::Struck& here = term.struck[l];
    std::vector<Site> kept;
    for (const Site& site : term.sites[l]) {
      const double weight = stored(net, site);
      check_alone(net, failure, site);
      require(is_stored(failure, site, weight), Who{failure}, ": parameter ", weight, " of layer ", l, " is no word of ",
              failure.words ? failure.words->format.name : "", "; flip the bits of net.rounded('",
              failure.words ? failure.words->format.name : "", "'), whose parameters are");
      becomes(failure, site, weight, ways);
      for (const Become& way : ways) {
        if (!std::isfinite(way.value)) {
          here.infinite = true;
          continue;
        }
        double& value = site.is_bias() ? here.bias : here.weight;
        value = std::max(value, std::abs(way.value));
        here.change = std::max(here.change, std::abs(way.value - weight));
        here.growth = std::max(here.growth, std::abs(way.value) - std::abs(weight));
      }
      if (ways.empty()) continue;
      if (stuck) term.ways[l].push_back(static_cast<int>(ways.size()));
      kept.push_back(site);
      if (dense && !site.is_bias()) places.assign(1, site);
      else places_of(net, term, site, places);
      here.places = std::max(here.places, static_cast<Index>(places.size()));
    }
    here.change = next_up(here.change), here.growth = next_up(here.growth);
    term.sites[l] = std::move(kept);
    term.candidates += static_cast<Index>(term.sites[l].size());
  }
}

void add_groups(const Network& net, Space::Term& term) {
  const Failure& failure = term.failure;
  std::vector<Site> seen;
  for (const std::vector<Site>& group : *failure.groups) {
    require(!group.empty(), Who{failure}, ": a group is empty");
    std::vector<Site> members = group;
    std::sort(members.begin(), members.end());
    for (const Site& site : members) {
      check_site(net, failure, site);
      seen.push_back(site);
    }
    const Site first = members.front();
    term.members.emplace(first, std::move(members));
  }
  std::sort(seen.begin(), seen.end());
  const auto twice = std::adjacent_find(seen.begin(), seen.end());
  require(twice == seen.end(), Who{failure}, ": neuron ", twice == seen.end() ? "" : name_of(*twice),
          " is in two groups, or twice in one");
  for (const auto& [first, members] : term.members) term.sites[static_cast<std::size_t>(first.layer)].push_back(first);
  term.candidates = static_cast<Index>(term.members.size());
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
  const bool signed_amount = ways(failure) > 0;  // it is sent as it is
  for (double amount : failure.amount) {
    require(std::isfinite(amount), who, ": ", signed_amount ? "value" : "capacity", " must be finite, got ", amount);
    require(signed_amount || amount >= 0, who, ": capacity must be at least 0, got ", amount);
  }
  require(!failure.amount.empty() || !takes_amount(failure.effect), who, ": ", signed_amount ? "value" : "capacity",
          " is missing: Failure::amount is empty");
  if (!is_counted(failure.effect))
    require(failure.amount.size() == 1 || static_cast<Index>(failure.amount.size()) == net.depth(), who, ": ",
            failure.amount.size(), " amplitudes for ", net.depth(), " hidden layers");
}

void check_counts(const Network& net, const Space::Term& term) {
  const Failure& failure = term.failure;
  const Who who{failure};
  const bool parameters = on_parameters(failure.effect), synapses = on_synapses(failure.effect) || parameters;
  const char* things = parameters ? "weights" : synapses ? "synapses" : term.grouped() ? (failure.group == "channel" ? "channels" : "groups") : "neurons";
  for (Index count : failure.counts) require(count >= 0, who, ": counts must be at least 0, got ", count);
  if (failure.total) {
    require(failure.counts.size() == 1, who, ": a total is one count");
    require(failure.counts[0] <= term.candidates, who, ": ", term.candidates, " ", things, " can fail, not ",
            failure.counts[0]);
    return;
  }
  const Index expected = synapses ? net.layers() : net.depth();
  require(static_cast<Index>(failure.counts.size()) == expected, who, ": ", failure.counts.size(), " counts for ",
          expected, parameters ? " layers of weights" : synapses ? " layers of synapses" : " hidden layers");
  require(term.sites[0].empty(), who, ": per-layer counts speak of hidden layers, among names an input; add ",
          "a second model for the inputs");
  for (Index l = 1; l <= expected; ++l) {
    const auto available = static_cast<Index>(term.sites[static_cast<std::size_t>(l)].size());
    require(term.count(l) <= available, who, ": layer ", l, " has ", available, " ", things,
            failure.among ? " among the candidates" : "", ", at most ", available, " can fail");
  }
}

Space::Term resolve(const Network& net, const Failure& failure) {
  check_words(net, failure);
  Space::Term term{failure, std::vector<std::vector<Site>>(static_cast<std::size_t>(net.layers()) + 1), 0, {}, {}, {}};
  check_amount(net, failure);
  if (failure.groups) add_groups(net, term);
  else if (failure.among) add_named_sites(net, term);
  else if (on_parameters(failure.effect)) add_every_parameter(net, term);
  else add_every_site(net, term);
  if (on_parameters(failure.effect)) survey_parameters(net, term);
  if (!is_counted(failure.effect)) return term;  // every candidate is noisy, nothing is counted
  check_counts(net, term);
  return term;
}

bool neuron_of(const Space::Term& term, const Site& site) {
  if (term.grouped())
    return std::any_of(term.members.begin(), term.members.end(), [&](const auto& group) {
      return std::binary_search(group.second.begin(), group.second.end(), site);
    });
  return is_counted(term.failure.effect) && term.has(site);
}

/// Components of two models are the same one or have nothing in common.
void check_groups(const Space& space) {
  for (const Space::Term& term : space.terms())
    for (const auto& [first, members] : term.members)
      for (const Space::Term& other : space.terms()) {
        if (on_synapses(other.failure.effect) || on_parameters(other.failure.effect)) continue;
        const auto same = other.members.find(first);
        const bool whole = &other == &term || (same != other.members.end() && same->second == members);
        for (const Site& site : members)
          require(whole || !neuron_of(other, site), space.describe(), ": neuron ", name_of(site), " fails in a group of one ",
                  "model and in another way in the other; give both the same groups, or disjoint candidates");
      }
}

}  // namespace

Index Space::Term::count(Index layer) const {
  if (failure.total) return failure.counts.front();
  return layer >= 1 && layer <= static_cast<Index>(failure.counts.size())
             ? failure.counts[static_cast<std::size_t>(layer - 1)]
             : 0;
}

bool Space::Term::reaches_through() const {
  return std::any_of(members.begin(), members.end(), [](const auto& group) {
    return group.second.back().layer > group.first.layer;
  });
}

Index Space::Term::most(Index layer) const {
  if (!is_counted(failure.effect)) return static_cast<Index>(sites[static_cast<std::size_t>(layer)].size());
  return std::min(count(layer), static_cast<Index>(sites[static_cast<std::size_t>(layer)].size()));
}

void check(const Space& space, const Network& network) {
  bool same = space.layers() == network.layers();
  for (Index l = 0; same && l <= network.layers(); ++l) same = space.own_[static_cast<std::size_t>(l)] == network.own(l);
  require(same, space.describe(), ": the space is of a network with other layers");
}

Space::Space(const Network& network, const std::vector<Failure>& failures) {
  for (Index l = 0; l <= network.layers(); ++l) own_.push_back(network.own(l));
  require(!failures.empty(), "a failure space needs at least one failure model");
  for (const Failure& failure : failures) terms_.push_back(resolve(network, failure));
  check_groups(*this);
  require(terms_.size() == 1 || counting::fits(*this), describe(),
          ": the models share components and there are not enough of them to fail together");
}

bool Space::finite() const {
  return std::all_of(terms_.begin(), terms_.end(), [](const Term& t) { return ways(t.failure) > 0; });
}

bool Space::plain() const {
  return std::none_of(terms_.begin(), terms_.end(), [](const Term& t) {
    return t.grouped() || on_parameters(t.failure.effect) || t.failure.effect == Effect::bit_flip;
  });
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
