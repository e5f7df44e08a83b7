// SPDX-License-Identifier: MIT
#include "search/choices.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>

#include "failure/effects.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

bool in_order(const Option& a, const Option& b) {
  if (a.site != b.site) return a.site < b.site;
  return a.quota != b.quota ? a.quota < b.quota : a.way < b.way;
}

void add_term(Choices& choices, const Space::Term& term, std::size_t index) {
  if (hears_something(term.failure))
    throw std::invalid_argument(term.failure.describe() +
                                ": what a failed component sends depends on its signal, which is not searched");
  std::vector<double> values;
  for (int way = 0; way < ways(term.failure); ++way) values.push_back(sends(term.failure, way, {}, 0));
  choices.several_ways = choices.several_ways || values.size() > 1;
  if (term.failure.total)
    choices.quotas.push_back({term.failure.counts.front(), term.failure.exactly, 0});
  for (std::size_t l = 0; l < term.sites.size(); ++l) {
    if (!term.failure.total && !term.sites[l].empty())
      choices.quotas.push_back({term.count(static_cast<Index>(l)), term.failure.exactly, 0});
    interruption_point();
    if (!term.sites[l].empty()) {
      std::vector<Option>& options = choices.stages[stage_of(term.sites[l].front())].options;
      options.reserve(options.size() + values.size() * term.sites[l].size());
    }
    for (const Site& site : term.sites[l]) {
      Choices::Quota& quota = choices.quotas.back();
      quota.last_stage = std::max(quota.last_stage, stage_of(site));
      for (std::size_t way = 0; way < values.size(); ++way)
        choices.stages[stage_of(site)].options.push_back(
            {site, values[way], choices.quotas.size() - 1, index, static_cast<int>(way)});
    }
  }
}

}  // namespace

Choices::Choices(const Network& net, const Space& space) : stages(2 * static_cast<std::size_t>(net.layers()) + 1) {
  if (!space.finite())
    throw std::invalid_argument(space.describe() + ": interval-valued failures have no finite set of configurations");
  for (Index l = 1; l <= net.layers(); ++l) {
    stages[synapse_stage(l)] = {l, true, {}, {}};
    stages[neuron_stage(l)] = {l, false, {}, {}};
  }
  for (std::size_t t = 0; t < space.terms().size(); ++t) add_term(*this, space.terms()[t], t);
  for (Stage& stage : stages) {
    interruption_point();
    if (!std::is_sorted(stage.options.begin(), stage.options.end(), in_order))  // one term's sites are
      std::sort(stage.options.begin(), stage.options.end(), in_order);
    const auto same = [](const Option& a, const Option& b) { return a.site == b.site; };
    const auto twice = std::adjacent_find(stage.options.begin(), stage.options.end(), same);
    overlapping = overlapping || twice != stage.options.end();
  }
}

Choices Choices::restricted(const std::vector<Option>& failed, const std::vector<Site>& alive) const {
  Choices rest = *this;
  std::set<Site> decided(alive.begin(), alive.end());
  for (const Option& option : failed) {
    decided.insert(option.site);
    --rest.quotas[option.quota].count;
    rest.stages[stage_of(option.site)].failed.push_back({option.site, option.value});
  }
  for (Quota& quota : rest.quotas) quota.last_stage = 0;
  for (std::size_t s = 0; s < rest.stages.size(); ++s) {
    std::vector<Option> kept;
    for (const Option& option : stages[s].options) {
      if (decided.count(option.site) != 0) continue;
      kept.push_back(option);
      rest.quotas[option.quota].last_stage = s;
    }
    rest.stages[s].options = std::move(kept);
    std::sort(rest.stages[s].failed.begin(), rest.stages[s].failed.end(),
              [](const Forced& a, const Forced& b) { return a.site < b.site; });
  }
  return rest;
}

std::size_t Choices::last_stage() const {
  std::size_t last = 0;
  for (std::size_t s = 0; s < stages.size(); ++s)
    if (!stages[s].options.empty() || !stages[s].failed.empty()) last = s;
  return last;
}

bool Choices::exactly() const {
  return std::any_of(quotas.begin(), quotas.end(), [](const Quota& q) { return q.exactly; });
}

}  // namespace withstand::search
