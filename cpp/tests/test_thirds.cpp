// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "check.hpp"
#include "kernels/kernels.hpp"
#include "withstand/types.hpp"
#include "withstand/variants.hpp"

// Which third failures a kernel picks, and what they gain by meeting: every variant against the formula.
using namespace withstand;

namespace {

void third_failures(const Kernels& kernels) {
  const auto single = [](unsigned short upper) {
    const unsigned bits = static_cast<unsigned>(upper) << 16;
    float number = 0;
    std::memcpy(&number, &bits, sizeof number);
    return number;
  };
  for (long n = 0; n <= 256; n += 64) {
    const auto count = static_cast<std::size_t>(n);
    std::vector<float> one(count), less(count), alone(count), met(count + 1);
    std::vector<unsigned short> other(count), other_less(count);
    std::vector<int> index(count + 1);
    for (std::size_t c = 0; c < count; ++c) {
      const Vector r = Vector::Random(5);
      one[c] = static_cast<float>(std::abs(r(0)));
      less[c] = one[c] * static_cast<float>(std::abs(r(1)));
      alone[c] = static_cast<float>(r(2));
      other[c] = static_cast<unsigned short>(0x3F80 + 40 * r(3));   // about 1
      other_less[c] = static_cast<unsigned short>(0x3F00 + 40 * r(4));  // about 1/2
    }
    for (const float enough : {-5.0F, 0.0F, 0.6F, 1.0F, 5.0F}) {
      const long found = kernels.thirds(n, one.data(), less.data(), other.data(), other_less.data(), 0.3F, alone.data(), enough,
                                        met.data(), index.data());
      long expected = 0;
      for (std::size_t c = 0; c < count; ++c) {
        const float saved[] = {less[c], single(other_less[c]), 0.3F};
        const float sum = one[c] + single(other[c]) - (saved[0] + saved[1] + saved[2] - *std::min_element(saved, saved + 3));
        if (sum + alone[c] < enough) continue;
        CHECK(expected < found && index[static_cast<std::size_t>(expected)] == static_cast<int>(c));
        CHECK(met[static_cast<std::size_t>(expected++)] == sum);
      }
      CHECK(found == expected);
    }
  }
}

}  // namespace

int main() {
  for (const std::string& name : available_variants()) third_failures(kernels(name));
  return 0;
}
