// SPDX-License-Identifier: MIT
// Which of n values are not zero, in order: index and scale get them and one vector of room more; returns how many.
// Without a jump per value: who is active is hard to predict.
#if defined(__AVX2__) && WITHSTAND_LANES == 4
static long nonzero(long n, const double* values, int* index, double* scale) {
  // For every set of 4 lanes, its members first: as indices, and as halves of doubles.
  alignas(16) static const int lane[16][4] = {
      {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {2, 0, 0, 0}, {0, 2, 0, 0}, {1, 2, 0, 0}, {0, 1, 2, 0},
      {3, 0, 0, 0}, {0, 3, 0, 0}, {1, 3, 0, 0}, {0, 1, 3, 0}, {2, 3, 0, 0}, {0, 2, 3, 0}, {1, 2, 3, 0}, {0, 1, 2, 3}};
  const __m256d zero = _mm256_setzero_pd();
  const __m256i halves = _mm256_setr_epi32(0, 1, 0, 1, 0, 1, 0, 1);
  long count = 0, i = 0;
  for (; i + 4 <= n; i += 4) {
    const __m256d v = _mm256_loadu_pd(values + i);
    const int set = _mm256_movemask_pd(_mm256_cmp_pd(v, zero, _CMP_NEQ_UQ));
    const __m128i members = _mm_load_si128(reinterpret_cast<const __m128i*>(lane[set]));
    const __m128i indices = _mm_add_epi32(members, _mm_set1_epi32(static_cast<int>(i)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(index + count), indices);
    const __m256i wide = _mm256_cvtepu32_epi64(members);
    const __m256i twice = _mm256_slli_epi64(_mm256_or_si256(wide, _mm256_slli_epi64(wide, 32)), 1);
    const __m256i moved = _mm256_permutevar8x32_epi32(_mm256_castpd_si256(v), _mm256_add_epi32(twice, halves));
    _mm256_storeu_pd(scale + count, _mm256_castsi256_pd(moved));
    count += __builtin_popcount(static_cast<unsigned>(set));
  }
  for (; i < n; ++i) {
    index[count] = static_cast<int>(i);
    scale[count] = values[i];
    count += values[i] != 0 ? 1 : 0;
  }
  return count;
}
#else
static long nonzero(long n, const double* values, int* index, double* scale) {
  long count = 0;
  for (long i = 0; i < n; ++i) {
    index[count] = static_cast<int>(i);
    scale[count] = values[i];
    count += values[i] != 0 ? 1 : 0;
  }
  return count;
}
#endif
