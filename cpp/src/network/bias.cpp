// SPDX-License-Identifier: MIT
#include "withstand/bias.hpp"

#include "core/require.hpp"

namespace withstand {

Bias::Bias(Vector given, Index neighbours, Index neurons) : values(std::move(given)), each(neighbours), size(neurons) {
  require(values.size() > 0 && each > 0 && size > 0 && size % (values.size() * each) == 0, values.size(), " biases, each of ",
          each, " neighbours, do not fit ", size, " neurons");
}

const Vector& Biases::laid_out() const {
  std::call_once(once_, [this] {
    all_ = Vector::Zero(width_);
    for (Index j = 0; j < own_.size; ++j) all_(j) = own_(j);
  });
  return all_;
}

}  // namespace withstand
