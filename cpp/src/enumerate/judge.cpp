// SPDX-License-Identifier: MIT
#include "judge.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "withstand/kernels.hpp"

namespace withstand {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

Judge::Judge(const Problem& problem)
    : problem_(problem),
      replayer_(problem),
      statistics_(static_cast<std::size_t>(problem.outputs()), problem.question.top) {}

void Judge::begin(const Grid::Batch& batch) {
  batch_ = batch;
  errors_.assign(batch.size, -infinity);
}

void Judge::see(Index input, std::uint64_t offset, Index n, double* block, Index ld, const double* reference) {
  const bool decisions = problem_.question.decisions;
  const Index c = problem_.decision[static_cast<std::size_t>(input)];
  for (Index output = 0; output < problem_.outputs(); ++output) {
    if (decisions && output == c) continue;
    double* row = block + output * ld;
    const double worst = decisions ? kernels().excess(n, row, block + c * ld, errors_.data() + offset)
                                   : kernels().deviation(n, row, reference[output], errors_.data() + offset);
    const double known = statistics_.per_output[static_cast<std::size_t>(output)];
    if (worst >= known - problem_.slack[static_cast<std::size_t>(input)]) inspect(input, output, offset, n, row);
  }
}

/// Candidates for the worst value of an output: the largest first, so that few others remain.
void Judge::inspect(Index input, Index output, std::uint64_t offset, Index n, const double* row) {
  const double slack = problem_.slack[static_cast<std::size_t>(input)];
  const double& known = statistics_.per_output[static_cast<std::size_t>(output)];
  const Index largest = std::max_element(row, row + n) - row;
  replay_one(input, output, offset + static_cast<std::uint64_t>(largest));
  for (Index i = 0; i < n; ++i)
    if (i != largest && row[i] >= known - slack) replay_one(input, output, offset + static_cast<std::uint64_t>(i));
}

void Judge::replay_one(Index input, Index output, std::uint64_t offset) {
  const Vector& harm = replayer_.harm(input, configuration(offset));
  double& known = statistics_.per_output[static_cast<std::size_t>(output)];
  known = std::max(known, harm(output));
}

void Judge::finish() {
  statistics_.add(errors_.data(), errors_.size());
  rank_worst();
  count_exceeding();
}

void Judge::rank_worst() {
  const auto threshold = [this] {
    return statistics_.top.size() < statistics_.keep ? -infinity
                                                     : statistics_.top.back().error - problem_.largest_slack;
  };
  std::vector<std::uint64_t> candidates;
  const double least = threshold();
  for (std::uint64_t i = 0; i < errors_.size(); ++i)
    if (errors_[i] >= least) candidates.push_back(i);
  std::stable_sort(candidates.begin(), candidates.end(),
                   [this](std::uint64_t a, std::uint64_t b) { return errors_[a] > errors_[b]; });
  for (std::uint64_t i : candidates) {
    if (errors_[i] < threshold()) break;
    statistics_.offer(replayer_.entry(configuration(i)));
  }
}

/// A configuration counts by its canonical error; only those within rounding of the limit need it.
void Judge::count_exceeding() {
  const Question& question = problem_.question;
  if (!question.decisions && !question.epsilon) return;
  const double limit = question.decisions ? 0.0 : *question.epsilon;
  for (std::uint64_t i = 0; i < errors_.size(); ++i) {
    if (errors_[i] < limit - problem_.largest_slack) continue;
    if (errors_[i] > limit + problem_.largest_slack) {
      ++statistics_.exceeding;
      continue;
    }
    const double error = replayer_.entry(configuration(i)).error;
    statistics_.exceeding += question.decisions ? error >= limit : error > limit;
  }
}

std::vector<Choice> Judge::configuration(std::uint64_t offset) const {
  return unrank(problem_.grid, problem_.grid.classes()[batch_.cls], batch_.begin + offset);
}

}  // namespace withstand
