// SPDX-License-Identifier: MIT
#include "withstand/incumbent.hpp"

#include <algorithm>

#include "withstand/rounding.hpp"

namespace withstand {

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
                        std::vector<Forced> failed, const Precise* precise) {
  std::sort(failed.begin(), failed.end(), [](const Forced& a, const Forced& b) { return a.site < b.site; });
  const Vector outputs = forward(net, input, failed);
  if (precise != nullptr) look_closely(harm(outputs), failed, *precise);
  Witness found{std::move(failed), input, input_index, harm.worst(outputs), harm(outputs)};
  const double value = found.harm;
  if (value < this->harm()) return value;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!witness_ || better(found, *witness_)) {
    witness_ = std::move(found);
    harm_.store(witness_->harm, std::memory_order_relaxed);
  }
  return value;
}

/// Twice the digits take twenty times as long: only where the harm could exceed all that is known, and not for ever,
/// where everything does the same harm.
void Incumbent::look_closely(double value, const std::vector<Forced>& failed, const Precise& precise) {
  constexpr int patience = 1 << 14;
  const double most = add_up(value, precise.noise());
  double known = above_.load(std::memory_order_relaxed);
  if (most <= known) return;
  const double found = closely_.fetch_add(1) < patience ? std::min(most, precise.above(failed)) : most;
  while (found > known && !above_.compare_exchange_weak(known, found)) {
  }
}

}  // namespace withstand
