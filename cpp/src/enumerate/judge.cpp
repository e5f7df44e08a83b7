// SPDX-License-Identifier: MIT
#include "judge.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/rounding.hpp"
#include "kernels/kernels.hpp"
#include "withstand/parallel.hpp"

namespace withstand::enumerate {
namespace {

constexpr std::size_t most_candidates = 64;

}  // namespace

Judge::Judge(const Problem& problem)
    : problem_(problem),
      replayer_(problem),
      statistics_(static_cast<std::size_t>(problem.outputs()), problem.question.top),
      candidates_(static_cast<std::size_t>(problem.outputs())) {
  if (!problem.question.components) return;
  components_.emplace(problem.grid, problem.largest_slack);
  statistics_.components.resize(problem.grid.components().size());
}

void Judge::begin(const Grid::Batch& batch) {
  batch_ = batch;
  const std::size_t room = batch.size + static_cast<std::size_t>(kernels().lanes);
  errors_.assign(room, -infinity);
  where_.assign(room, -1);
  seen_.assign(candidates_.size(), -infinity);
  settled_.clear();
  limits_ = statistics_.per_output;
  for (std::size_t o = 0; o < limits_.size(); ++o) {
    if (!is_still(o)) continue;  // else every configuration comes within rounding of the worst
    statistics_.per_output[o] = 0;
    limits_[o] = infinity;
  }
}

void Judge::row(Index input, std::uint64_t offset, Index n, const double* errors, const int* index, Index width) {
  kernels().merge_errors(n, errors, index, width, 2 * problem_.largest_slack, static_cast<double>(input),
                         errors_.data() + offset, where_.data() + offset);
}

void Judge::harm(Index input, Index n, double* block, Index ld, const double* reference, double* errors,
                 double* worst) const {
  const bool decisions = problem_.question.decisions;
  const Index c = problem_.decision[static_cast<std::size_t>(input)];
  std::fill_n(errors, n, -infinity);
  for (Index output = 0; output < problem_.outputs(); ++output) {
    double* row = block + output * ld;
    if (decisions && output == c)
      worst[output] = -infinity;
    else if (decisions)
      worst[output] = kernels().excess(n, row, block + c * ld, errors);
    else
      worst[output] = kernels().deviation(n, row, reference[output], errors);
  }
  if (decisions) std::fill_n(block + c * ld, n, -infinity);  // its outputs are no harms
}

/// Two harms whose fast values differ by more than twice the rounding bound are in the right order.
void Judge::raise(std::size_t output) {
  limits_[output] = std::max(statistics_.per_output[output], seen_[output] - problem_.largest_slack);
}

void Judge::inspect(Index input, Index output, std::uint64_t offset, Index n, const double* row) {
  const auto o = static_cast<std::size_t>(output);
  seen_[o] = std::max(seen_[o], *std::max_element(row, row + n));
  raise(o);
  for (Index i = 0; i < n; ++i) {
    const Candidate candidate{row[i], input, offset + static_cast<std::uint64_t>(i)};
    if (matters(input, output, row[i]) && settled_.count(name_of(candidate)) == 0) candidates_[o].push_back(candidate);
  }
  if (candidates_[o].size() > most_candidates) settle(output);
}

/// Evaluate the candidates of an output canonically, the largest first, so that few others remain; each counts for all
/// outputs, of which many may come within rounding of their worst at once.
void Judge::settle(Index output) {
  std::vector<Candidate>& candidates = candidates_[static_cast<std::size_t>(output)];
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.harm > b.harm; });
  for (const Candidate& candidate : candidates) {
    if (!matters(candidate.input, output, candidate.harm) || !settled_.insert(name_of(candidate)).second) continue;
    interruption_point();
    const Vector& exact = replayer_.harm(candidate.input, configuration(candidate.offset));
    for (std::size_t o = 0; o < candidates_.size(); ++o) {
      if (is_still(o)) continue;
      statistics_.per_output[o] = std::max(statistics_.per_output[o], exact(static_cast<Index>(o)));
      raise(o);
    }
  }
  candidates.clear();
}

void Judge::finish() {
  for (Index output = 0; output < problem_.outputs(); ++output) settle(output);
  errors_.resize(batch_.size);
  const std::uint64_t exceeding = count_exceeding();
  const std::vector<Entry> before = statistics_.top;
  try {
    rank_worst();
  } catch (const Interrupted&) {  // a batch that is given up leaves nothing behind
    statistics_.top = before;
    throw;
  }
  statistics_.exceeding += exceeding;
  if (problem_.canonical) statistics_.add_any(errors_.data(), errors_.size());  // words may be infinite
  else statistics_.add(errors_.data(), errors_.size());
  const auto canonical = [this](const std::vector<Choice>& choices, std::uint64_t offset) {
    return replayer_.entry(choices, static_cast<Index>(where_[offset])).error;
  };
  if (components_) components_->add(batch_, errors_.data(), canonical, statistics_.components);
}

Entry Judge::entry(std::uint64_t offset) {
  return replayer_.entry(configuration(offset), static_cast<Index>(where_[offset]));
}

/// Offsets of the errors that may be among the worst, by their fast values.
std::vector<std::uint64_t> Judge::large_errors() const {
  const auto n = static_cast<long>(batch_.size);
  const std::size_t keep = statistics_.keep;
  double least = statistics_.top.size() < keep ? -infinity : statistics_.top.back().error - problem_.largest_slack;
  std::vector<std::uint64_t> large;
  std::size_t room = 8 * keep + 64;
  const auto larger = [this](std::uint64_t a, std::uint64_t b) { return errors_[a] > errors_[b]; };
  for (long i = 0; (i = kernels().next_above(n, errors_.data(), std::nextafter(least, -infinity), i)) < n; ++i) {
    large.push_back(static_cast<std::uint64_t>(i));
    if (large.size() < room) continue;
    // Enough to raise the bar: to what comes within rounding of the last one kept.
    std::nth_element(large.begin(), large.begin() + static_cast<std::ptrdiff_t>(keep), large.end(), larger);
    least = std::max(least, errors_[large[keep]] - 2 * problem_.largest_slack);
    large.erase(std::remove_if(large.begin(), large.end(), [&](std::uint64_t k) { return errors_[k] < least; }),
                large.end());
    room = std::max(room, 2 * large.size());  // many may be equal
  }
  std::sort(large.begin(), large.end(), [this](std::uint64_t a, std::uint64_t b) {
    return errors_[a] != errors_[b] ? errors_[a] > errors_[b] : a < b;
  });
  return large;
}

void Judge::rank_worst() {
  for (std::uint64_t i : large_errors()) {
    const bool full = statistics_.top.size() == statistics_.keep;
    if (full && errors_[i] < statistics_.top.back().error - problem_.largest_slack) break;
    interruption_point();
    statistics_.offer(entry(i));
  }
}

/// A configuration counts by its canonical error; only those within rounding of the limit need it.
std::uint64_t Judge::count_exceeding() {
  const Question& question = problem_.question;
  if (!question.decisions && !question.epsilon) return 0;
  std::uint64_t count = 0;
  const double limit = question.decisions ? 0.0 : *question.epsilon;
  for (std::uint64_t i = 0; i < errors_.size(); ++i) {
    if (errors_[i] < limit - problem_.largest_slack) continue;
    if (errors_[i] > limit + problem_.largest_slack) {
      ++count;
      continue;
    }
    interruption_point();
    const double error = entry(i).error;
    count += question.decisions ? error >= limit : error > limit;
  }
  return count;
}

std::vector<Choice> Judge::configuration(std::uint64_t offset) const {
  return unrank(problem_.grid, problem_.grid.classes()[batch_.cls], batch_.begin + offset);
}

}  // namespace withstand::enumerate
