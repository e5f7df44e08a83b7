// SPDX-License-Identifier: MIT
// Every effect is a row here. docs/architecture.md says what else a new one needs.
#include <stdexcept>

#include "failure/conduct.hpp"

namespace withstand {

extern const Alternatives nothing, fixed;

namespace {

std::string none(const Failure&) { return ""; }
std::string amount(const Failure& failure) { return failure.amount.empty() ? "" : text(failure.amount.front()); }
std::string value(const Failure& failure) {
  std::string all = ", value=" + amount(failure);
  for (std::size_t way = 1; way < failure.amount.size(); ++way) all += " or " + text(failure.amount[way]);
  return all;
}
std::string capacity(const Failure& failure) { return ", capacity=" + amount(failure); }
std::string deviation(const Failure& failure) { return capacity(failure) + ", convention='deviation'"; }
std::string product(const Failure& failure) { return capacity(failure) + ", convention='product'"; }
std::string signal(const Failure& failure) { return capacity(failure) + ", convention='signal'"; }
std::string replace(const Failure& failure) { return capacity(failure) + ", convention='replace'"; }

const std::vector<Conduct> table{
    {Effect::crash, "crash", "Crash", none, Strikes::neurons, Does::replaces, Hears::nothing, &nothing},
    {Effect::stuck, "stuck", "StuckAt", value, Strikes::neurons, Does::replaces, Hears::nothing, &fixed},
    {Effect::byzantine, "byzantine", "Byzantine", capacity, Strikes::neurons, Does::replaces, Hears::nothing},
    {Effect::deviation, "deviation", "Byzantine", deviation, Strikes::neurons, Does::adds, Hears::intact},
    {Effect::noise, "noise", "Noise", none, Strikes::everywhere, Does::adds, Hears::arriving},
    {Effect::synapse_crash, "synapse_crash", "SynapseCrash", none, Strikes::synapses, Does::replaces, Hears::nothing,
     &nothing},
    {Effect::synapse_product, "synapse_product", "SynapseByzantine", product, Strikes::synapses, Does::adds,
     Hears::arriving},
    {Effect::synapse_signal, "synapse_signal", "SynapseByzantine", signal, Strikes::synapses, Does::adds_before,
     Hears::arriving},
    {Effect::synapse_replace, "synapse_replace", "SynapseByzantine", replace, Strikes::synapses, Does::replaces,
     Hears::nothing},
};

}  // namespace

const std::vector<Conduct>& conducts() { return table; }

const Conduct& conduct(Effect effect) {
  const auto row = static_cast<std::size_t>(effect);
  if (row >= table.size() || table[row].effect != effect) throw std::logic_error("an effect without a row in the table");
  return table[row];
}

}  // namespace withstand
