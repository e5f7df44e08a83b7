// SPDX-License-Identifier: MIT
#pragma once

#include <unordered_map>

#include "problem.hpp"

namespace withstand::enumerate {

/// Canonical evaluations of configurations, remembered. Failures that change nothing (a crashed neuron that transmits
/// 0 anyway) are dropped first: dead neurons make many configurations that are the same execution.
class Replayer {
 public:
  explicit Replayer(const Problem& problem) : problem_(problem) {}

  /// Harm of each output at one input.
  const Vector& harm(Index input, const std::vector<Choice>& configuration);
  /// The worst at one input, or over all of them (`only` < 0), as an entry of the result.
  Entry entry(const std::vector<Choice>& configuration, Index only = -1);

 private:
  Vector endless(Index input) const;
  std::vector<Forced> effective(Index input, const std::vector<Choice>& configuration) const;

  const Problem& problem_;
  std::unordered_map<std::string, Vector> known_;
};

}  // namespace withstand::enumerate
