// SPDX-License-Identifier: MIT
// The inner loops of the nominal-piece-plus-correction form. Widths of rows are multiples of the vector's lanes, or the
// arrays have room for a whole last vector.

#if defined(__AVX2__) && WITHSTAND_LANES == 4
typedef double Quad __attribute__((vector_size(32)));  // what the builtin takes
#endif

/// Indices of the lanes that are set (all bits) in a comparison, appended to out.
inline long append(Bits mask, long j, int* out, long count) {
#if defined(__AVX2__) && WITHSTAND_LANES == 4
  const int set = __builtin_ia32_movmskpd256(reinterpret_cast<Quad>(mask));
  if (set == 0) return count;
#endif
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) {
    out[count] = static_cast<int>(j) + lane;
    count -= static_cast<long>(mask[lane]);  // a set lane is -1
  }
  return count;
}

/// Receivers that may leave their nominal piece [from, to]: those with start + lowest + (least contribution of the
/// corrections) < from, or start + highest + (their most) > to. Correction c contributes response[c][j] * [least, most].
/// Returns their number; arrays have room for whole vectors.
static long escaping(long n, const double* start, const double* lowest, const double* highest, long corrections,
                     const double* const* responses, const double* least, const double* most, const double* from,
                     const double* to, int* out) {
  long count = 0;
  for (long j = 0; j < n; j += lanes) {
    Pack low = load(start + j) + load(lowest + j);
    Pack high = load(start + j) + load(highest + j);
    for (long c = 0; c < corrections; ++c) {
      const Pack response = load(responses[c] + j);
      const Pack a = response * least[c];
      const Pack b = response * most[c];
      low += smaller(a, b);
      high += larger(a, b);
    }
    count = append((low < load(from + j)) | (high > load(to + j)), j, out, count);
  }
  while (count > 0 && out[count - 1] >= n) --count;  // the last vector may reach past the end
  return count;
}

/// out[r][i] = start[nodes[r]] + columns[nodes[r]][i]
static void shift(long rows, long n, const double* start, const double* columns, long ld, const int* nodes,
                  double* out) {
  for (long r = 0; r < rows; ++r) {
    const double base = start[nodes[r]];
    const double* column = columns + nodes[r] * ld;
    for (long i = 0; i < n; i += lanes) store(out + r * n + i, base + load(column + i));
  }
}

/// out = sum over two hinges (coefficient, sign, at) of coefficient * max(0, sign * (s - at)); its extremes, with 0.
static void hinge(long n, const double* s, const double* hinges, double* out, double* least, double* most) {
  const Pack zero = all(0.0);
  Pack low = zero;
  Pack high = zero;
  const bool second = hinges[3] != 0;
  for (long i = 0; i < n; i += lanes) {
    const Pack value = load(s + i);
    Pack c = hinges[0] * larger(hinges[1] * (value - hinges[2]), zero);
    if (second) c += hinges[3] * larger(hinges[4] * (value - hinges[5]), zero);
    store(out + i, c);
    low = smaller(c, low);
    high = larger(c, high);
  }
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) {
    *least = low[lane] < *least ? low[lane] : *least;
    *most = high[lane] > *most ? high[lane] : *most;
  }
}
