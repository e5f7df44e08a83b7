// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "withstand/failure.hpp"

namespace withstand {

/// As a message has it: (layer, to), of a synapse (layer, to, from).
inline std::string name_of(const Site& site) {
  const std::string sender = site.is_synapse() ? ", " + std::to_string(site.from) : "";
  return "(" + std::to_string(site.layer) + ", " + std::to_string(site.to) + sender + ")";
}

}  // namespace withstand
