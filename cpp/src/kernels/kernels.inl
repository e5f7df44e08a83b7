// SPDX-License-Identifier: MIT
// The one source of all kernel variants. Included by variants/*.cpp, which name the variant and its vector width.
// Everything is static, nothing of the standard library is used: an inline function that leaked from here would carry
// this variant's instructions into baseline code (see cmake/kernels.cmake).

#include "kernels/kernels.hpp"
#if defined(__AVX2__)
#include <immintrin.h>  // its functions are always inlined and leave no symbols
#endif

namespace withstand {
namespace {

#include "pack.inl"

#include "activate.inl"
#include "combine.inl"
#include "look_up.inl"
#include "meet.inl"
#include "multiply_add.inl"
#include "nonzero.inl"
#include "relax.inl"
#include "ahead.inl"
#include "walk.inl"
#include "rows.inl"

}  // namespace
}  // namespace withstand

// The entries of Kernels, in the order of its declaration.
#define WITHSTAND_TABLE                                                                                            \
  multiply_add, axpy, spread, deviation, excess, merge_errors, openable, open, end_row, reach, activate, combine,     \
  split, support, magnitude, next_above, nonzero, rectify, rise, look_up, gains, not_below, rises, thirds
