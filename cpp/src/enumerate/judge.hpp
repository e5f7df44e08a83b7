// SPDX-License-Identifier: MIT
#pragma once

#include <limits>
#include <optional>
#include <unordered_set>

#include "components.hpp"
#include "replay.hpp"

namespace withstand::enumerate {

/// Turns outputs into errors and statistics, and has every candidate for a reported value evaluated canonically.
class Judge {
 public:
  explicit Judge(const Problem& problem);

  void begin(const Grid::Batch& batch);
  /// Errors of configurations `offset`, ..., `offset` + n - 1 of the batch at one input.
  /// with an index, that of configuration i is errors[index[i]]; the index has room for a vector more.
  void row(Index input, std::uint64_t offset, Index n, const double* errors, const int* index = nullptr,
           Index width = 0);
  /// Outputs become harms in place (m rows of n configurations, leading dimension ld); `reference` holds the nominal
  /// outputs by the same arithmetic. `errors` gets the worst of each column, `worst` the worst of each row.
  void harm(Index input, Index n, double* block, Index ld, const double* reference, double* errors,
            double* worst) const;
  /// Whether a harm this large at this input could be the worst of its output.
  bool matters(Index input, Index output, double harm) const {
    return harm > -std::numeric_limits<double>::infinity() &&  // the intact class itself does no harm
           harm >= limits_[static_cast<std::size_t>(output)] - problem_.slack(input);
  }
  /// Whether one could be the worst of some output.
  bool matters(Index input, double harm) const {
    for (Index output = 0; output < problem_.outputs(); ++output) {
      const bool can = !problem_.question.decisions || output != problem_.decision[static_cast<std::size_t>(input)];
      if (can && matters(input, output, harm)) return true;
    }
    return false;
  }
  /// What a harm of each output must come within rounding of to matter. Limits only rise, so what was far below them
  /// stays there.
  const double* limits() const { return limits_.data(); }
  /// Whether any harm of several matters, of which `rise` is the largest distance above its limit.
  bool any_matters(Index input, double rise) const { return rise >= -problem_.slack(input); }
  /// Candidates for the worst value of an output among consecutive configurations.
  void inspect(Index input, Index output, std::uint64_t offset, Index n, const double* row);
  void finish();

  const Statistics& statistics() const { return statistics_; }

 private:
  struct Candidate {
    double harm = 0;
    Index input = 0;
    std::uint64_t offset = 0;
  };

  /// Whether nothing moves an output, so that its error is 0.
  bool is_still(std::size_t output) const { return problem_.still[output] && !problem_.question.decisions; }
  /// A configuration of the batch at an input.
  std::uint64_t name_of(const Candidate& candidate) const {
    return static_cast<std::uint64_t>(candidate.input) * batch_.size + candidate.offset;
  }
  void settle(Index output);
  void raise(std::size_t output);
  std::vector<std::uint64_t> large_errors() const;
  void rank_worst();
  std::uint64_t count_exceeding();
  Entry entry(std::uint64_t offset);
  std::vector<Choice> configuration(std::uint64_t offset) const;

  const Problem& problem_;
  Replayer replayer_;
  Statistics statistics_;
  std::optional<Components> components_;            // where they are asked for
  Grid::Batch batch_;
  // Of the configurations of the batch, and a vector of room:
  std::vector<double> errors_;                      // over the inputs so far
  std::vector<double> where_;                       // input that makes the error, -1 where rounding hides which
  std::vector<double> seen_;                        // per output: largest fast harm of the batch
  std::vector<double> limits_;                      // per output: what a harm must come within rounding of
  std::vector<std::vector<Candidate>> candidates_;  // per output
  std::unordered_set<std::uint64_t> settled_;       // those that were evaluated canonically
};

}  // namespace withstand::enumerate
