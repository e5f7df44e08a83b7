// SPDX-License-Identifier: MIT
#include "replay.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "withstand/failed.hpp"

namespace withstand::enumerate {
namespace {

constexpr std::size_t most_known = 1 << 12;

std::string key_of(Index input, const std::vector<Forced>& forced) {
  std::string key(sizeof input + forced.size() * sizeof(Forced), '\0');
  std::memcpy(key.data(), &input, sizeof input);
  for (std::size_t i = 0; i < forced.size(); ++i)
    std::memcpy(key.data() + sizeof input + i * sizeof(Forced), &forced[i], sizeof(Forced));
  return key;
}

const Site& site_of(const Grid& grid, const Choice& choice) {
  return grid.stages()[static_cast<std::size_t>(choice.stage)].sites[static_cast<std::size_t>(choice.position)];
}

}  // namespace

/// The failures that change something. Upstream of the first failing layer everything is nominal, so there a failure
/// can be compared with the nominal value; once a whole layer drops out, the next one is the first. A failed neuron
/// transmits its value whatever it receives: its synapses, which stand behind it, never change anything.
std::vector<Forced> Replayer::effective(Index input, const std::vector<Choice>& configuration) const {
  const Trace& nominal = problem_.nominal[static_cast<std::size_t>(input)];
  if (!problem_.grid.plain()) {
    const std::vector<Failed> failed = problem_.grid.failed(configuration.data(), configuration.size());
    return forced_by(problem_.network, problem_.grid.space(), nominal, failed);
  }
  std::vector<Forced> forced;
  const Site* neuron = nullptr;  // the last failed one
  for (const Choice& choice : configuration) {
    const Site& site = site_of(problem_.grid, choice);
    if (site.is_synapse() && neuron != nullptr && neuron->layer == site.layer && neuron->to == site.to) continue;
    if (!site.is_synapse()) neuron = &site;
    const double value = problem_.grid.value(static_cast<std::size_t>(choice.manner));
    const bool upstream_nominal = forced.empty() || forced.front().site.layer == site.layer;
    const auto l = static_cast<std::size_t>(site.layer);
    const double carried = site.is_synapse() ? problem_.network.map(site.layer).weight(site.to, site.from) *
                                                   nominal.post[l - 1](site.from)
                                             : nominal.post[l](site.to);
    if (upstream_nominal && carried == value) continue;
    forced.push_back({site, value});
  }
  return forced;
}

/// By convention an infinite way does infinite harm, whatever an execution would make of it.
Vector Replayer::endless(Index input) const {
  Vector harm = Vector::Constant(problem_.outputs(), std::numeric_limits<double>::infinity());
  if (problem_.question.decisions) harm(problem_.decision[static_cast<std::size_t>(input)]) *= -1;
  return harm;
}

const Vector& Replayer::harm(Index input, const std::vector<Choice>& configuration) {
  const std::vector<Forced> forced = effective(input, configuration);
  const std::string key = key_of(input, forced);
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  if (known_.size() >= most_known) known_.clear();
  if (!is_finite(forced)) return known_.emplace(key, endless(input)).first->second;
  const Vector outputs = forward(problem_.network, problem_.nominal[static_cast<std::size_t>(input)], forced);
  return known_.emplace(key, harms(problem_, input, outputs)).first->second;
}

Entry Replayer::entry(const std::vector<Choice>& configuration, Index only) {
  Entry entry;
  entry.error = -std::numeric_limits<double>::infinity();
  const Index end = only < 0 ? problem_.inputs.rows() : only + 1;
  for (Index input = std::max<Index>(only, 0); input < end; ++input) {
    const Vector& harm_at = harm(input, configuration);
    Index output = 0;
    const double worst = harm_at.maxCoeff(&output);
    if (worst <= entry.error) continue;
    entry.error = worst;
    entry.input = input;
    entry.output = output;
  }
  for (const Choice& choice : configuration) {
    entry.sites.push_back(site_of(problem_.grid, choice));
    entry.manners.push_back(choice.manner);
  }
  return entry;
}

}  // namespace withstand::enumerate
