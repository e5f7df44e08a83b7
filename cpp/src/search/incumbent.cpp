// SPDX-License-Identifier: MIT
#include "search/incumbent.hpp"

#include <algorithm>

#include "withstand/parallel.hpp"
#include "core/rounding.hpp"

namespace withstand::search {
namespace {

constexpr std::size_t memory = 100000;  ///< components in the sets that wait for a closer look

}  // namespace

SearchStatus status_of(Budget::Stop stop) {
  if (stop == Budget::Stop::none) return SearchStatus::exact;
  return stop == Budget::Stop::interrupted ? SearchStatus::interrupted : SearchStatus::budget;
}

bool better(const Witness& a, const Witness& b) {
  if (a.harm != b.harm) return a.harm > b.harm;
  if (a.failed.size() != b.failed.size()) return a.failed.size() < b.failed.size();
  for (std::size_t i = 0; i < a.failed.size(); ++i)
    if (a.failed[i].site != b.failed[i].site) return a.failed[i].site < b.failed[i].site;
  for (std::size_t i = 0; i < a.failed.size(); ++i)
    if (a.failed[i].value != b.failed[i].value) return a.failed[i].value < b.failed[i].value;
  return a.input_index < b.input_index;
}

bool Incumbent::holds(Index input_index, const std::vector<Forced>& failed) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return witness_ && witness_->input_index == input_index && witness_->failed.size() == failed.size() &&
         std::equal(failed.begin(), failed.end(), witness_->failed.begin(), [](const Forced& a, const Forced& b) {
           return a.site == b.site && a.value == b.value;
         });
}

double Incumbent::offer(const Network& net, const Harm& harm, ConstVectorRef input, Index input_index,
                        std::vector<Forced> failed, const Precise* precise, std::optional<Contest> contest) {
  std::sort(failed.begin(), failed.end(), [](const Forced& a, const Forced& b) { return a.site < b.site; });
  const Vector outputs = forward(net, input, failed);
  const double value = harm(outputs);
  const double most = precise != nullptr ? add_up(value, (contest ? 2 : 1) * precise->noise()) : value;
  if (most < this->harm()) return value;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (precise != nullptr) {
    remembered_ += failed.size() + (contest ? contest->open.size() + contest->failed.size() : 0) + 8;
    close_.push_back({most, failed, precise, std::move(contest)});
    if (remembered_ > memory) look_closely();
  }
  if (value < this->harm()) return value;
  Witness found{std::move(failed), input, input_index, harm.worst(outputs), value};
  if (!witness_ || better(found, *witness_)) {
    witness_ = std::move(found);
    harm_.store(witness_->harm, std::memory_order_relaxed);
  }
  return value;
}

double Incumbent::above() {
  const std::lock_guard<std::mutex> lock(mutex_);
  look_closely();
  return std::max(harm(), above_);
}

double Incumbent::look(const Close& close) {
  try {
    const double found = close.precise->above(close.failed);
    return close.contest ? std::max(found, close.precise->above(*close.contest)) : found;
  } catch (const Interrupted&) {
    return close.most;
  }
}

/// Twice the digits take twenty times as long: only where the harm could exceed all that is known, and not for ever,
/// where everything does the same harm or the work is to end.
void Incumbent::look_closely() {
  constexpr int patience = 1 << 14;
  for (const Close& close : close_) {
    if (close.most <= std::max(harm(), above_)) continue;
    double found = close.most;
    if (++looks_ < patience && goes_on()) found = look(close);
    above_ = std::max(above_, std::min(found, close.most));
  }
  close_.clear();
  remembered_ = 0;
}

}  // namespace withstand::search
