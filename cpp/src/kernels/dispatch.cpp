// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <stdexcept>

#include "kernels/kernels.hpp"
#include "withstand/variants.hpp"

namespace withstand {

extern const Kernels kernels_base;
#ifdef WITHSTAND_HAS_AVX2
extern const Kernels kernels_avx2;
#endif
#ifdef WITHSTAND_HAS_AVX512
extern const Kernels kernels_avx512;
#endif

namespace {

std::vector<const Kernels*> runnable() {
  std::vector<const Kernels*> variants;
  variants.reserve(3);  // else GCC 12 warns of what it makes of a growing vector
  variants.push_back(&kernels_base);
#ifdef WITHSTAND_HAS_AVX2
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2"))
    variants.push_back(&kernels_avx2);
#endif
#ifdef WITHSTAND_HAS_AVX512
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd"))
    variants.push_back(&kernels_avx512);
#endif
  return variants;
}

const Kernels& choose() {
  const char* wanted = std::getenv("WITHSTAND_SIMD");
  return wanted == nullptr || *wanted == '\0' ? *runnable().back() : kernels(wanted);
}

}  // namespace

const Kernels& kernels(const std::string& name) {
  std::string known;
  for (const Kernels* variant : runnable()) {
    if (name == variant->name) return *variant;
    known += std::string(" ") + variant->name;
  }
  throw std::runtime_error("WITHSTAND_SIMD=" + name + " is not available here; available are" + known);
}

const Kernels& kernels() {
  static const Kernels& chosen = choose();
  return chosen;
}

std::vector<std::string> available_variants() {
  std::vector<std::string> names;
  for (const Kernels* variant : runnable()) names.emplace_back(variant->name);
  return names;
}

const char* variant() { return kernels().name; }

long padded(long n) {
  const long lanes = kernels().lanes;
  return (n + lanes - 1) / lanes * lanes;
}

}  // namespace withstand
