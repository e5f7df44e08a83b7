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

/// Hinges that may open: those with start + highest + (most that the corrections add) > 0.
static long openable(long n, const double* start, const double* highest, long corrections,
                     const double* const* responses, const double* most, int* out) {
  const Pack zero = all(0.0);
  long count = 0;
  for (long j = 0; j < n; j += lanes) {
    Pack top = load(start + j) + load(highest + j);
    for (long c = 0; c < corrections; ++c) top += most[c] * larger(load(responses[c] + j), zero);
    count = append(top > zero, j, out, count);
  }
  return count;
}

/// Excesses max(0, start + column + sum over corrections of response * value) of some hinges in n lanes; most gets the
/// largest of each.
template <int rows>
inline void open_rows(long n, const double* start, const double* columns, long ld, long corrections,
                      const double* const* responses, const double* values, const int* hinges, double* out,
                      double* most) {
  const Pack zero = all(0.0);
  Pack base[rows], top[rows];
  const double* column[rows];
  for (int r = 0; r < rows; ++r) {
    base[r] = all(start[hinges[r]]);
    column[r] = columns + hinges[r] * ld;
    top[r] = zero;
  }
  for (long i = 0; i < n; i += lanes) {
    Pack sum[rows];
    for (int r = 0; r < rows; ++r) sum[r] = base[r] + load(column[r] + i);
    for (long c = 0; c < corrections; ++c)
      for (int r = 0; r < rows; ++r) sum[r] += responses[c][hinges[r]] * load(values + c * n + i);
    for (int r = 0; r < rows; ++r) {
      const Pack excess = larger(sum[r], zero);
      store(out + r * n + i, excess);
      top[r] = larger(top[r], excess);
    }
  }
  for (int r = 0; r < rows; ++r) most[r] = largest(top[r]);
}

static void open(long rows, long n, const double* start, const double* columns, long ld, long corrections,
                 const double* const* responses, const double* values, const int* hinges, double* out, double* most) {
  long r = 0;
  for (; r + 4 <= rows; r += 4)
    open_rows<4>(n, start, columns, ld, corrections, responses, values, hinges + r, out + r * n, most + r);
  for (; r < rows; ++r)
    open_rows<1>(n, start, columns, ld, corrections, responses, values, hinges + r, out + r * n, most + r);
}

inline Pack without_sign(Pack a) {
  return reinterpret_cast<Pack>(reinterpret_cast<Bits>(a) & ~reinterpret_cast<Bits>(all(-0.0)));
}

/// errors[l] = max(errors[l], largest of here[l]) for 4 lanes.
inline void raise(double* errors, const Pack here[4]) {
#if WITHSTAND_LANES == 4 && (defined(__clang__) || __GNUC__ >= 12)
  const auto fold = [](Pack x, Pack y) {  // of pairs: x, y, x, y
    return larger(__builtin_shufflevector(x, y, 0, 4, 2, 6), __builtin_shufflevector(x, y, 1, 5, 3, 7));
  };
  const Pack a = fold(here[0], here[1]);
  const Pack b = fold(here[2], here[3]);
  const Pack all_four = larger(__builtin_shufflevector(a, b, 0, 1, 4, 5), __builtin_shufflevector(a, b, 2, 3, 6, 7));
  store(errors, larger(load(errors), all_four));
#else
  for (int l = 0; l < 4; ++l) {
    const double most = largest(here[l]);
    errors[l] = most > errors[l] ? most : errors[l];
  }
#endif
}

/// Harms of n lanes (a multiple of 4) in packs * lanes outputs: start + columns[lane] + sum over corrections of
/// values[c][lane] * responses[c]. A tile of 4 lanes stays in registers, the largest harms so far do not: they would
/// spill the tile.
template <int packs, bool either_sign>
inline void harm_columns(long n, const double* start, const double* columns, long ld, long corrections,
                         const double* const* responses, long at, const double* values, double* errors,
                         double* worst) {
  for (long i = 0; i < n; i += 4) {
    Pack sum[4][packs];
    for (int l = 0; l < 4; ++l)
      for (int p = 0; p < packs; ++p)
        sum[l][p] = load(start + p * lanes) + load(columns + (i + l) * ld + p * lanes);
    for (long c = 0; c < corrections; ++c) {
      Pack response[packs];
      for (int p = 0; p < packs; ++p) response[p] = load(responses[c] + at + p * lanes);
      for (int l = 0; l < 4; ++l) {
        const double value = values[c * n + i + l];
        for (int p = 0; p < packs; ++p) sum[l][p] += value * response[p];
      }
    }
    Pack error[4];
    for (int l = 0; l < 4; ++l) {
      for (int p = 0; p < packs; ++p)
        if (either_sign) sum[l][p] = without_sign(sum[l][p]);
      error[l] = sum[l][0];
      for (int p = 1; p < packs; ++p) error[l] = larger(error[l], sum[l][p]);
    }
    raise(errors + i, error);
    for (int p = 0; p < packs; ++p) {
      const Pack pair = larger(larger(sum[0][p], sum[1][p]), larger(sum[2][p], sum[3][p]));
      store(worst + p * lanes, larger(load(worst + p * lanes), pair));
    }
  }
}

template <bool either_sign>
inline void harm_all(long m, long n, const double* start, const double* columns, long ld, long corrections,
                     const double* const* responses, const double* values, double* errors, double* worst) {
  long o = 0;
  const auto part = [&](auto width) {
    harm_columns<decltype(width)::value, either_sign>(n, start + o, columns + o, ld, corrections, responses, o, values,
                                                      errors, worst + o);
    o += decltype(width)::value * lanes;
  };
  while (o + 3 * lanes <= m) part(Constant<3>{});
  if (o + 2 * lanes <= m) part(Constant<2>{});
  if (o < m) part(Constant<1>{});
}

static void harm(long m, long n, const double* start, const double* columns, long ld, long corrections,
                 const double* const* responses, const double* values, int either_sign, double* errors,
                 double* worst) {
  for (long i = 0; i < n; ++i) errors[i] = -__builtin_inf();
  for (long o = 0; o < m; ++o) worst[o] = -__builtin_inf();
  if (either_sign != 0)
    harm_all<true>(m, n, start, columns, ld, corrections, responses, values, errors, worst);
  else
    harm_all<false>(m, n, start, columns, ld, corrections, responses, values, errors, worst);
}

/// Row i of highest (`width` columns, a multiple of the vector): the largest of 0 and effect[k] * responses[k] over
/// k >= i; across[j][i] = effect[i] * responses[i][j]. Row n is 0.
static void reach(long n, long width, const double* effect, const double* const* responses, double* highest,
                  double* across, long ld) {
  for (long j = 0; j < width; ++j) highest[n * width + j] = 0;
  for (long i = n - 1; i >= 0; --i)
    for (long j = 0; j < width; j += lanes) {
      const Pack column = effect[i] * load(responses[i] + j);
      store(highest + i * width + j, larger(column, load(highest + (i + 1) * width + j)));
      for (int lane = 0; lane < WITHSTAND_LANES; ++lane) across[(j + lane) * ld + i] = column[lane];
    }
}
