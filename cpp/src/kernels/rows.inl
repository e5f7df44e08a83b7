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
/// Returns their number and where each may be; arrays have room for whole vectors.
static long escaping(long n, const double* start, const double* lowest, const double* highest, long corrections,
                     const double* const* responses, const double* least, const double* most, const double* from,
                     const double* to, double* lows, double* highs, int* out) {
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
    store(lows + j, low);
    store(highs + j, high);
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

/// Where m outputs may be, less their reference, before the last failure (low, high), and how far from the reference
/// they may get in any lane (worst).
static void outlook(long m, const double* start, const double* reference, const double* lowest, const double* highest,
                    long corrections, const double* const* responses, const double* least, const double* most,
                    double* low, double* high, double* worst) {
  for (long o = 0; o < m; o += lanes) {
    Pack down = load(start + o) - load(reference + o);
    Pack up = down;
    for (long c = 0; c < corrections; ++c) {
      const Pack response = load(responses[c] + o);
      const Pack a = response * least[c];
      const Pack b = response * most[c];
      down += smaller(a, b);
      up += larger(a, b);
    }
    store(low + o, down);
    store(high + o, up);
    store(worst + o, larger(up + load(highest + o), -(down + load(lowest + o))));
  }
}

/// Whether column + [low, high] may come farther from 0 than threshold - margin in any lane.
static int hopeful(long n, const double* column, double low, double high, const double* threshold, double margin) {
  Bits any = all(0.0) > all(1.0);
  for (long i = 0; i < n; i += lanes) {
    const Pack u = load(column + i);
    any |= larger(u + high, -(u + low)) > load(threshold + i) - margin;
  }
  long set = 0;
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) set |= static_cast<long>(any[lane]);
  return set != 0;
}

/// Corrections of `rows` receivers in n lanes, where no earlier layer is corrected: one pass from columns to hinges.
static void correct(long rows, long n, const double* start, const double* columns, long ld, const int* nodes,
                    const double* hinges, double* out) {
  const Pack zero = all(0.0);
  for (long r = 0; r < rows; ++r) {
    const double base = start[nodes[r]];
    const double* column = columns + nodes[r] * ld;
    const double* hinge_of = hinges + 6 * nodes[r];
    for (long i = 0; i < n; i += lanes) {
      const Pack s = base + load(column + i);
      Pack c = hinge_of[0] * larger(hinge_of[1] * (s - hinge_of[2]), zero);
      if (hinge_of[3] != 0) c += hinge_of[3] * larger(hinge_of[4] * (s - hinge_of[5]), zero);
      store(out + r * n + i, c);
    }
  }
}

/// errors = |start + column + sum over corrections of responses[c][output] * values[c]| in n lanes; returns the largest.
static double respond(long n, double start, const double* column, long corrections, const double* const* responses,
                      long output, const double* values, double* errors) {
  Pack worst = all(0.0);
  long i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    Pack sum[4];
    for (int p = 0; p < 4; ++p) sum[p] = start + load(column + i + p * lanes);
    for (long c = 0; c < corrections; ++c) {
      const double response = responses[c][output];
      for (int p = 0; p < 4; ++p) sum[p] += response * load(values + c * n + i + p * lanes);
    }
    for (int p = 0; p < 4; ++p) {
      const Pack error = larger(sum[p], -sum[p]);
      store(errors + i + p * lanes, error);
      worst = larger(worst, error);
    }
  }
  for (; i < n; i += lanes) {
    Pack sum = start + load(column + i);
    for (long c = 0; c < corrections; ++c) sum += responses[c][output] * load(values + c * n + i);
    const Pack error = larger(sum, -sum);
    store(errors + i, error);
    worst = larger(worst, error);
  }
  return largest(worst);
}

/// The smallest of n > 0 values.
static double smallest(long n, const double* values) {
  double least = values[0];
  long i = 0;
  if (n >= lanes) {
    Pack low = load(values);
    for (i = lanes; i + lanes <= n; i += lanes) low = smaller(load(values + i), low);
    for (int lane = 0; lane < WITHSTAND_LANES; ++lane) least = low[lane] < least ? low[lane] : least;
  }
  for (; i < n; ++i) least = values[i] < least ? values[i] : least;
  return least;
}

/// Row i of lowest and highest (`width` columns, a multiple of the vector): extremes of 0 and effect[k] * responses[k]
/// over k >= i; across[j][i] = effect[i] * responses[i][j]. Row n is 0.
static void reach(long n, long width, const double* effect, const double* const* responses, double* lowest,
                  double* highest, double* across, long ld) {
  for (long j = 0; j < width; ++j) lowest[n * width + j] = highest[n * width + j] = 0;
  for (long i = n - 1; i >= 0; --i)
    for (long j = 0; j < width; j += lanes) {
      const Pack column = effect[i] * load(responses[i] + j);
      store(lowest + i * width + j, smaller(column, load(lowest + (i + 1) * width + j)));
      store(highest + i * width + j, larger(column, load(highest + (i + 1) * width + j)));
      for (int lane = 0; lane < WITHSTAND_LANES; ++lane) across[(j + lane) * ld + i] = column[lane];
    }
}
