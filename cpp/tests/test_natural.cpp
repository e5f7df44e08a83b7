// SPDX-License-Identifier: MIT
#include "check.hpp"
#include "withstand/natural.hpp"

using withstand::binomial;
using withstand::Natural;

int main() {
  CHECK(Natural(0).to_string() == "0" && Natural(1000000000).to_string() == "1000000000");
  CHECK(binomial(64, 2).to_uint64() == 2016 && binomial(3, 5).is_zero());
  CHECK(binomial(512, 10).to_string() == "312268282598377321216");
  // Pascal's rule at a size that takes many limbs
  CHECK((binomial(300, 120) + binomial(300, 121)).to_string() == binomial(301, 121).to_string());
  CHECK((binomial(40, 20) * binomial(40, 20)).to_string() == "19001665507723090592400");
  CHECK(Natural(0x7fffffffffffffffULL).fits_int64() && !Natural(0x8000000000000000ULL).fits_int64());
  CHECK(!binomial(512, 10).fits_int64());
}
