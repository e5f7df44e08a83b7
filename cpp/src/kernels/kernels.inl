// SPDX-License-Identifier: MIT
// The one source of all kernel variants. Included by variants/*.cpp, which name the variant and its vector width.
// Everything is static, nothing of the standard library is used: an inline function that leaked from here would carry
// this variant's instructions into baseline code (see cmake/kernels.cmake).

#include "withstand/kernels.hpp"
#if defined(__AVX2__)
#include <immintrin.h>  // its functions are always inlined and leave no symbols
#endif

namespace withstand {
namespace {

constexpr long lanes = WITHSTAND_LANES;
typedef double Pack __attribute__((vector_size(WITHSTAND_LANES * 8), aligned(8), may_alias));

template <int value_>
struct Constant {
  static constexpr int value = value_;
};

inline Pack load(const double* p) { return *reinterpret_cast<const Pack*>(p); }
inline void store(double* p, Pack v) { *reinterpret_cast<Pack*>(p) = v; }

#include "activate.inl"
#include "combine.inl"
#include "multiply_add.inl"
#include "nonzero.inl"
#include "relax.inl"
#include "walk.inl"
#include "rows.inl"

}  // namespace
}  // namespace withstand

// The entries of Kernels, in the order of its declaration.
#define WITHSTAND_TABLE                                                                                            \
  multiply_add, axpy, spread, deviation, excess, merge_errors, openable, open, harm, reach, activate, combine,     \
  split, support, magnitude, next_above, nonzero
