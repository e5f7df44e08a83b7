// SPDX-License-Identifier: MIT
#include "lanes.hpp"

#include <algorithm>

#include "kernels/kernels.hpp"

namespace withstand::enumerate {
namespace {

constexpr Index small = 1 << 16;  // doubles of bounds, up to where there is one after each lane

}  // namespace

void Lanes::build(const Response& response, Index layer, const Vector& effect, const std::vector<int>& nodes) {
  const Index lanes = kernels().lanes;
  const Response::Rows responses = response.of(layer);
  index.resize(nodes.size() + static_cast<std::size_t>(lanes));
  widths.resize(nodes.size() + 1);
  widths.back() = 1;
  changes_.clear();
  responses_.clear();
  for (std::size_t m = nodes.size(); m-- > 0;) {
    const double change = effect(static_cast<Index>(m));
    if (change != 0) {
      changes_.push_back(change);
      responses_.push_back(responses.data() + nodes[m] * responses.cols());
    }
    index[m] = change == 0 ? 0 : static_cast<int>(changes_.size());
    widths[m] = 1 + static_cast<Index>(changes_.size());
  }
  const auto n = static_cast<Index>(changes_.size());
  excesses_ = response.section(layer, response.layers());
  const Index harms = response.harms();
  stride_ = (n + lanes) / lanes * lanes;  // in whole vectors, with lane 0
  every_ = n * excesses_ <= small ? 1 : 8;
  across_.resize(static_cast<std::size_t>((excesses_ + harms) * stride_));
  for (auto row = across_.begin(); row != across_.end(); row += stride_) {
    *row = 0;
    std::fill(row + n + 1, row + stride_, 0.0);
  }
  highest_.resize(static_cast<std::size_t>(((n + every_ - 1) / every_ + 1) * excesses_));
  kernels().reach(n, excesses_, harms, every_, changes_.data(), responses_.data(), highest_.data(), across_.data(), stride_);
}

}  // namespace withstand::enumerate
