// SPDX-License-Identifier: MIT
// Every effect is a row here. docs/architecture.md says what else a new one needs.
#include <algorithm>
#include <stdexcept>

#include "failure/conduct.hpp"

namespace withstand {

extern const Alternatives nothing, fixed, fixed_parameter, flipped_signal, flipped_parameter;

namespace {

std::string none(const Failure&) { return ""; }
std::string amount(const Failure& failure) { return failure.amount.empty() ? "" : text(failure.amount.front()); }
std::string value(const Failure& failure) {
  std::string all = ", value=" + amount(failure);
  for (std::size_t way = 1; way < failure.amount.size(); ++way) all += " or " + text(failure.amount[way]);
  return all;
}
std::string at_most(const Failure& failure) { return ", capacity=" + amount(failure); }
std::string deviation(const Failure& failure) { return at_most(failure) + ", convention='deviation'"; }
std::string product(const Failure& failure) { return at_most(failure) + ", convention='product'"; }
std::string signal(const Failure& failure) { return at_most(failure) + ", convention='signal'"; }
std::string replace(const Failure& failure) { return at_most(failure) + ", convention='replace'"; }

std::string scaling(const std::vector<std::vector<Scaling>>& layers) {
  std::vector<double> scales;
  for (const auto& layer : layers)
    for (const Scaling& s : layer)
      if (std::find(scales.begin(), scales.end(), s.scale) == scales.end()) scales.push_back(s.scale);
  if (scales.empty()) return "";
  if (scales.size() == 1) return scales.front() == 1 ? "" : ", scale=" + text(scales.front());
  return ", scales from " + text(*std::min_element(scales.begin(), scales.end())) + " to " +
         text(*std::max_element(scales.begin(), scales.end()));
}

/// Bits of a mask, as users write them: a number, or a tuple of those flipped together.
std::string bits(std::uint64_t mask) {
  std::string all;
  int count = 0;
  for (int bit = 0; bit < 64; ++bit)
    if (mask >> bit & 1U) all += (count++ == 0 ? "" : ", ") + std::to_string(bit);
  return count == 1 ? all : "(" + all + ")";
}

std::string words(const Failure& failure) {
  if (failure.words == nullptr) return "";
  const Words& w = *failure.words;
  std::string out = ", format='" + w.format.name + "'";
  if (!w.format.is_float() && !w.scalings.empty()) out += scaling(w.scalings);
  bool every = static_cast<int>(w.masks.size()) == w.format.bits;
  for (std::size_t way = 0; every && way < w.masks.size(); ++way) every = w.masks[way] == std::uint64_t{1} << way;
  if (!every) {
    out += ", bits=(";
    for (std::size_t way = 0; way < w.masks.size(); ++way) out += (way == 0 ? "" : ", ") + bits(w.masks[way]);
    out += w.masks.size() == 1 ? ",)" : ")";
  }
  if (w.to) out += ", to=" + std::to_string(*w.to);
  if (w.clamp) out += ", clamp=(" + text(w.clamp->first) + ", " + text(w.clamp->second) + ")";
  return out + (w.biases ? ", biases=True" : "");
}

const std::vector<Conduct> table{
    {Effect::crash, "crash", "Crash", none, Strikes::neurons, Does::replaces, Hears::nothing, &nothing},
    {Effect::stuck, "stuck", "StuckAt", value, Strikes::neurons, Does::replaces, Hears::nothing, &fixed},
    {Effect::byzantine, "byzantine", "Byzantine", at_most, Strikes::neurons, Does::replaces, Hears::nothing},
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
    {Effect::bit_flip, "bit_flip", "BitFlip", words, Strikes::neurons, Does::replaces, Hears::arriving, &flipped_signal},
    {Effect::weight_crash, "weight_crash", "WeightCrash", none, Strikes::parameters, Does::replaces, Hears::arriving,
     &nothing},
    {Effect::weight_flip, "weight_flip", "WeightFlip", words, Strikes::parameters, Does::replaces, Hears::arriving,
     &flipped_parameter},
    {Effect::weight_stuck, "weight_stuck", "WeightStuckAt", value, Strikes::parameters, Does::replaces, Hears::arriving,
     &fixed_parameter},
};

}  // namespace

const std::vector<Conduct>& conducts() { return table; }

const Conduct& conduct(Effect effect) {
  const auto row = static_cast<std::size_t>(effect);
  if (row >= table.size() || table[row].effect != effect) throw std::logic_error("an effect without a row in the table");
  return table[row];
}

}  // namespace withstand
