// SPDX-License-Identifier: MIT
#include "withstand/failure.hpp"

#include <charconv>
#include <array>

namespace withstand {
namespace {

template <class T>
std::string text(T value) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

template <class T>
std::string tuple(const std::vector<T>& values) {
  std::string joined = "(";
  for (std::size_t i = 0; i < values.size(); ++i) joined += (i == 0 ? "" : ", ") + text(values[i]);
  return joined + (values.size() == 1 ? ",)" : ")");
}

const char* class_name(Effect effect) {
  switch (effect) {
    case Effect::crash: return "Crash";
    case Effect::stuck: return "StuckAt";
    case Effect::byzantine:
    case Effect::deviation: return "Byzantine";
    case Effect::noise: return "Noise";
    case Effect::synapse_crash: return "SynapseCrash";
    default: return "SynapseByzantine";
  }
}

std::string amount_text(const Failure& failure) {
  const std::string amount = failure.amount.empty() ? "" : text(failure.amount.front());
  switch (failure.effect) {
    case Effect::crash:
    case Effect::noise:
    case Effect::synapse_crash: return "";
    case Effect::stuck: return ", value=" + amount;
    case Effect::byzantine: return ", capacity=" + amount;
    case Effect::deviation: return ", capacity=" + amount + ", convention='deviation'";
    case Effect::synapse_product: return ", capacity=" + amount + ", convention='product'";
    case Effect::synapse_signal: return ", capacity=" + amount + ", convention='signal'";
    case Effect::synapse_replace: return ", capacity=" + amount + ", convention='replace'";
  }
  return "";
}

}  // namespace

bool on_synapses(Effect effect) { return effect >= Effect::synapse_crash; }

bool is_finite(Effect effect) {
  return effect == Effect::crash || effect == Effect::stuck || effect == Effect::synapse_crash;
}

std::string Failure::describe() const {
  std::string out = std::string(class_name(effect)) + "(";
  if (effect == Effect::noise) return out + (amount.size() == 1 ? text(amount.front()) : tuple(amount)) + ")";
  out += total ? text(counts.empty() ? Index{0} : counts.front()) : tuple(counts);
  out += amount_text(*this);
  if (exactly) out += ", exactly=True";
  if (equivocal) out += ", equivocal=True";
  if (among) out += ", among=[" + text(among->size()) + (on_synapses(effect) ? " synapses]" : " neurons]");
  return out + ")";
}

}  // namespace withstand
