// SPDX-License-Identifier: MIT
#include "withstand/incumbent.hpp"

#include <algorithm>

#include "withstand/rounding.hpp"

namespace withstand {
namespace {

constexpr std::size_t memory = 4096;  ///< sets of failures that wait for a closer look

}  // namespace

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
  const double value = harm(outputs), most = precise != nullptr ? add_up(value, precise->noise()) : value;
  if (most < this->harm()) return value;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (precise != nullptr && close_.size() >= memory) look_closely();
  if (precise != nullptr) close_.push_back({most, failed, precise});
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

/// Twice the digits take twenty times as long: only where the harm could exceed all that is known, and not for ever,
/// where everything does the same harm.
void Incumbent::look_closely() {
  constexpr int patience = 1 << 14;
  for (const Close& close : close_) {
    if (close.most <= std::max(harm(), above_)) continue;
    above_ = std::max(above_, ++looks_ < patience ? std::min(close.most, close.precise->above(close.failed)) : close.most);
  }
  close_.clear();
}

}  // namespace withstand
