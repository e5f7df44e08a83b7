// SPDX-License-Identifier: MIT
#include "components.hpp"

#include <algorithm>
#include <limits>

#include "core/rounding.hpp"

namespace withstand::enumerate {
namespace {

struct Total {
  double sum = 0;
  double most = -infinity;
  std::uint64_t infinite = 0;
};

/// Four sums and maxima side by side, so that the additions do not wait for each other.
Total total(const double* errors, Index n) {
  double sums[4] = {0, 0, 0, 0};
  double most[4] = {-infinity, -infinity, -infinity, -infinity};
  const auto take = [&](Index from, Index lanes) {
    for (Index lane = 0; lane < lanes; ++lane) {
      sums[lane] += errors[from + lane];
      most[lane] = std::max(most[lane], errors[from + lane]);
    }
  };
  Index i = 0;
  for (; i + 4 <= n; i += 4) take(i, 4);
  take(i, n - i);
  Total all{(sums[0] + sums[1]) + (sums[2] + sums[3]), std::max(std::max(most[0], most[1]), std::max(most[2], most[3]))};
  if (all.most < infinity) return all;
  all.sum = 0;  // infinite errors are counted apart
  for (i = 0; i < n; ++i) {
    if (errors[i] < infinity) all.sum += errors[i];
    else ++all.infinite;
  }
  return all;
}

}  // namespace

Components::Components(const Grid& grid, double slack) : grid_(grid), slack_(slack) {
  std::size_t components = 0;
  for (const Grid::Stage& stage : grid.stages()) {
    first_slot_.emplace_back();
    for (const std::vector<int>& members : stage.members) {
      first_slot_.back().push_back(component_.size());
      for (int position : members) component_.push_back(components + static_cast<std::size_t>(position));
    }
    components += stage.sites.size();
  }
  counts_.resize(component_.size());
  sums_.resize(component_.size());
  infinite_.resize(component_.size());
  most_.resize(component_.size());
  limits_.resize(component_.size());
}

std::size_t Components::slot(const Choice& choice) const {
  const auto stage = static_cast<std::size_t>(choice.stage);
  const auto manner = static_cast<std::size_t>(choice.manner);
  const int member = grid_.stages()[stage].member(manner, choice.position);
  return first_slot_[stage][manner] + static_cast<std::size_t>(member);
}

void Components::add(const Grid::Batch& batch, const double* errors, const Canonical& canonical,
                     std::vector<ComponentErrors>& known) {
  if (grid_.classes()[batch.cls].failures == 0) return;  // nothing failed
  share(batch, errors);
  if (count(known)) settle(batch, errors, canonical, known);
}

void Components::share(const Grid::Batch& batch, const double* errors) {
  std::fill(counts_.begin(), counts_.end(), 0);
  std::fill(sums_.begin(), sums_.end(), 0.0);
  std::fill(infinite_.begin(), infinite_.end(), 0);
  std::fill(most_.begin(), most_.end(), -infinity);
  each_run(grid_, batch, [&](const std::vector<Choice>& choices, const Walker::Run& run, std::uint64_t offset,
                             std::size_t) {
    const Index n = run.last - run.first;
    const double* row = errors + offset;
    const std::size_t last = slot(choices.back());
    for (Index i = 0; i < n; ++i) {
      const std::size_t s = last + static_cast<std::size_t>(i);
      ++counts_[s];
      if (row[i] < infinity) sums_[s] += row[i];
      else ++infinite_[s];
      most_[s] = std::max(most_[s], row[i]);
    }
    const Total whole = total(row, n);
    for (std::size_t d = 0; d + 1 < choices.size(); ++d) {
      const std::size_t s = slot(choices[d]);
      counts_[s] += static_cast<std::uint64_t>(n);
      sums_[s] += whole.sum;
      infinite_[s] += whole.infinite;
      most_[s] = std::max(most_[s], whole.most);
    }
  });
}

/// Add what the batch tells for sure; returns whether it may hold the worst of a component, from limits_ on.
bool Components::count(std::vector<ComponentErrors>& known) {
  bool open = false;
  for (std::size_t s = 0; s < component_.size(); ++s) {
    limits_[s] = infinity;
    if (counts_[s] == 0) continue;
    ComponentErrors& component = known[component_[s]];
    component.count += counts_[s];
    component.sum.add(sums_[s]);
    component.infinite += infinite_[s];
    if (!(most_[s] > component.worst - slack_)) continue;
    limits_[s] = std::max(most_[s] - 2 * slack_, component.worst - slack_);
    open = true;
  }
  return open;
}

/// The configurations that may be the worst of one of their components.
std::vector<Components::Candidate> Components::candidates(const Grid::Batch& batch, const double* errors) const {
  std::vector<Candidate> found;
  each_run(grid_, batch, [&](const std::vector<Choice>& choices, const Walker::Run& run, std::uint64_t offset,
                             std::size_t) {
    double least = infinity;
    for (std::size_t d = 0; d + 1 < choices.size(); ++d) least = std::min(least, limits_[slot(choices[d])]);
    const double* limits = limits_.data() + slot(choices.back());
    const Grid::Stage& stage = grid_.stages()[static_cast<std::size_t>(run.stage)];
    const int* members = stage.members[static_cast<std::size_t>(run.manner)].data() + run.first;
    for (Index i = 0; i < run.last - run.first; ++i, ++offset) {
      if (errors[offset] < std::min(least, limits[i])) continue;
      found.push_back({errors[offset], offset, choices});
      found.back().choices.back().position = members[i];
    }
  });
  return found;
}

/// Evaluate the candidates canonically, the largest first, so that few others remain.
void Components::settle(const Grid::Batch& batch, const double* errors, const Canonical& canonical,
                        std::vector<ComponentErrors>& known) const {
  std::vector<Candidate> found = candidates(batch, errors);
  std::stable_sort(found.begin(), found.end(),
                   [](const Candidate& a, const Candidate& b) { return a.error > b.error; });
  for (const auto& [error, offset, choices] : found) {
    double least = infinity;
    for (const Choice& choice : choices) least = std::min(least, known[component_[slot(choice)]].worst);
    if (!(error > least - slack_)) continue;
    const double exact = canonical(choices, offset);
    for (const Choice& choice : choices) {
      double& worst = known[component_[slot(choice)]].worst;
      worst = std::max(worst, exact);
    }
  }
}

}  // namespace withstand::enumerate
