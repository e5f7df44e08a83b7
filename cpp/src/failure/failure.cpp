// SPDX-License-Identifier: MIT
#include "withstand/failure.hpp"

#include <array>
#include <charconv>

#include "failure/conduct.hpp"

namespace withstand {
namespace {

template <class T>
std::string written(T value) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

template <class T>
std::string tuple(const std::vector<T>& values) {
  std::string joined = "(";
  for (std::size_t i = 0; i < values.size(); ++i) joined += (i == 0 ? "" : ", ") + written(values[i]);
  return joined + (values.size() == 1 ? ",)" : ")");
}

}  // namespace

std::string text(double value) { return written(value); }

bool on_synapses(Effect effect) { return conduct(effect).strikes == Strikes::synapses; }

bool on_parameters(Effect effect) { return conduct(effect).strikes == Strikes::parameters; }

bool is_counted(Effect effect) { return conduct(effect).strikes != Strikes::everywhere; }

int ways(const Failure& failure) {
  const Alternatives* alternatives = conduct(failure.effect).alternatives;
  return alternatives == nullptr ? 0 : alternatives->count(failure);
}

std::string Failure::describe() const {
  const Conduct& does = conduct(effect);
  std::string out = std::string(does.model) + "(";
  if (!is_counted(effect)) return out + (amount.size() == 1 ? text(amount.front()) : tuple(amount)) + ")";
  out += total ? written(counts.empty() ? Index{0} : counts.front()) : tuple(counts);
  out += does.arguments(*this);
  if (exactly) out += ", exactly=True";
  if (equivocal) out += ", equivocal=True";
  if (among) {
    const char* things = on_synapses(effect) ? " synapses]" : on_parameters(effect) ? " weights]" : " neurons]";
    out += ", among=[" + written(among->size()) + things;
  }
  if (groups) out += group == "channel" ? ", unit='channel'" : ", groups=[" + written(groups->size()) + "]";
  return out + ")";
}

}  // namespace withstand
