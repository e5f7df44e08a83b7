// SPDX-License-Identifier: MIT
// A vector of doubles and what the compiler's vector types leave out. Intrinsics appear here and nowhere else.

constexpr long lanes = WITHSTAND_LANES;
typedef double Pack __attribute__((vector_size(WITHSTAND_LANES * 8), aligned(8), may_alias));
typedef long long Bits __attribute__((vector_size(WITHSTAND_LANES * 8), aligned(8), may_alias));

inline Pack load(const double* p) { return *reinterpret_cast<const Pack*>(p); }
inline void store(double* p, Pack v) { *reinterpret_cast<Pack*>(p) = v; }

/// By intrinsics, since compilers fill lane by lane now and then.
inline Pack all(double value) {
#if defined(__AVX512F__) && WITHSTAND_LANES == 8
  return reinterpret_cast<Pack>(_mm512_set1_pd(value));
#elif defined(__AVX2__) && WITHSTAND_LANES == 4
  return reinterpret_cast<Pack>(_mm256_set1_pd(value));
#else
  Pack p;
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) p[lane] = value;
  return p;
#endif
}

/// b where a is not a number. By intrinsics, since compilers make a comparison and a blend of the other form now and then.
inline Pack larger(Pack a, Pack b) {
#if defined(__AVX512F__) && WITHSTAND_LANES == 8
  return reinterpret_cast<Pack>(_mm512_maskz_max_pd(0xff, reinterpret_cast<__m512d>(a), reinterpret_cast<__m512d>(b)));
#elif defined(__AVX2__) && WITHSTAND_LANES == 4
  return reinterpret_cast<Pack>(_mm256_max_pd(reinterpret_cast<__m256d>(a), reinterpret_cast<__m256d>(b)));
#else
  return a > b ? a : b;
#endif
}

inline Pack smaller(Pack a, Pack b) { return a < b ? a : b; }

inline Pack without_sign(Pack a) {
  return reinterpret_cast<Pack>(reinterpret_cast<Bits>(a) & ~reinterpret_cast<Bits>(all(-0.0)));
}

#if defined(__AVX512F__) && WITHSTAND_LANES == 8
/// `gather` from the 16 numbers of two vectors: it does not wait for memory that was just written.
inline Pack pick(Pack low, Pack high, const int* index) {
  const __m256i narrow = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index));
  const __m512i places = _mm512_maskz_cvtepi32_epi64(0xff, narrow);
  const auto a = reinterpret_cast<__m512d>(low), b = reinterpret_cast<__m512d>(high);
  return reinterpret_cast<Pack>(_mm512_permutex2var_pd(a, places, b));
}
#endif

inline Pack gather(const double* p, const int* index) {
#if defined(__AVX512F__) && WITHSTAND_LANES == 8
  const __m256i places = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(index));
  return reinterpret_cast<Pack>(_mm512_mask_i32gather_pd(_mm512_setzero_pd(), 0xff, places, p, 8));
#else
  Pack values;
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) values[lane] = p[index[lane]];
  return values;
#endif
}

/// The first n lanes, all bits set.
inline Bits first_lanes(long n) {
  Bits number;
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) number[lane] = lane;
  return number < Bits{} + n;
}

inline double largest(Pack values) {
  double best[WITHSTAND_LANES];
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) best[lane] = values[lane];
  for (int half = WITHSTAND_LANES / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane) best[lane] = best[lane + half] > best[lane] ? best[lane + half] : best[lane];
  return best[0];
}

/// The sum of the lanes, by halves: in less time than one after the other.
inline double sum_by_halves(Pack values) {
  double part[WITHSTAND_LANES];
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) part[lane] = values[lane];
  for (int half = WITHSTAND_LANES / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane) part[lane] += part[lane + half];
  return part[0];
}

/// Bit l: whether lane l of a comparison is set (all bits).
inline unsigned set_lanes(Bits mask) {
#if defined(__AVX512DQ__) && WITHSTAND_LANES == 8
  return _mm512_movepi64_mask(reinterpret_cast<__m512i>(mask));
#elif defined(__AVX2__) && WITHSTAND_LANES == 4
  return static_cast<unsigned>(_mm256_movemask_pd(reinterpret_cast<__m256d>(mask)));
#else
  unsigned set = 0;
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) set |= (mask[lane] != 0 ? 1U : 0U) << lane;
  return set;
#endif
}

#if defined(__AVX2__) && WITHSTAND_LANES == 4
/// Of every set of 4 lanes its members, in order.
alignas(16) static const int members_of[16][4] = {
    {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {2, 0, 0, 0}, {0, 2, 0, 0}, {1, 2, 0, 0}, {0, 1, 2, 0},
    {3, 0, 0, 0}, {0, 3, 0, 0}, {1, 3, 0, 0}, {0, 1, 3, 0}, {2, 3, 0, 0}, {0, 2, 3, 0}, {1, 2, 3, 0}, {0, 1, 2, 3}};
#endif

/// Writes `start` + l for every lane l in `set` to out, in order, without a jump per lane: who is in a set is hard to
/// predict. Writes a whole vector; returns how many count.
inline long put_indices(unsigned set, long start, int* out) {
#if defined(__AVX512VL__) && WITHSTAND_LANES == 8
  const __m256i first = _mm256_set1_epi32(static_cast<int>(start));
  const __m256i number = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7), first);
  const auto mask = static_cast<__mmask8>(set);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_maskz_compress_epi32(mask, number));
#elif defined(__AVX2__) && WITHSTAND_LANES == 4
  const __m128i members = _mm_load_si128(reinterpret_cast<const __m128i*>(members_of[set]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm_add_epi32(members, _mm_set1_epi32(static_cast<int>(start))));
#else
  long count = 0;
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) {
    out[count] = static_cast<int>(start) + lane;
    count += set >> lane & 1U;
  }
#endif
  return __builtin_popcount(set);
}

/// Writes the lanes of `values` that are in `set` to out, in order. Writes a whole vector.
inline void put_values(unsigned set, Pack values, double* out) {
#if defined(__AVX512F__) && WITHSTAND_LANES == 8
  _mm512_storeu_pd(out, _mm512_maskz_compress_pd(static_cast<__mmask8>(set), reinterpret_cast<__m512d>(values)));
#elif defined(__AVX2__) && WITHSTAND_LANES == 4
  const __m128i members = _mm_load_si128(reinterpret_cast<const __m128i*>(members_of[set]));
  const __m256i wide = _mm256_cvtepu32_epi64(members);  // a double is two halves for the permutation
  const __m256i twice = _mm256_slli_epi64(_mm256_or_si256(wide, _mm256_slli_epi64(wide, 32)), 1);
  const __m256i halves = _mm256_add_epi32(twice, _mm256_setr_epi32(0, 1, 0, 1, 0, 1, 0, 1));
  const __m256i moved = _mm256_permutevar8x32_epi32(reinterpret_cast<__m256i>(values), halves);
  _mm256_storeu_pd(out, _mm256_castsi256_pd(moved));
#else
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) {
    *out = values[lane];
    out += set >> lane & 1U;
  }
#endif
}
