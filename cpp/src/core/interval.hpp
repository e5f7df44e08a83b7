// SPDX-License-Identifier: MIT
#pragma once

namespace withstand {

struct Interval {
  double lower = 0;
  double upper = 0;
};

}  // namespace withstand
