// SPDX-License-Identifier: MIT
// The inner loops of the nominal-piece-plus-correction form. Widths of rows are multiples of the vector's lanes, or the
// arrays have room for a whole last vector.

template <int value_>
struct Constant {
  static constexpr int value = value_;
};

/// Hinges that may open: those with start + highest + (most that the corrections add) > 0.
static long openable(long n, const double* start, const double* highest, long corrections,
                     const double* const* responses, const double* most, int* out) {
  const Pack zero = all(0.0);
  long count = 0;
  for (long j = 0; j < n; j += lanes) {
    Pack top = load(start + j) + load(highest + j);
    for (long c = 0; c < corrections; ++c) top += most[c] * larger(load(responses[c] + j), zero);
    count += put_indices(set_lanes(top > zero), j, out + count);
  }
  return count;
}

/// Excesses max(0, start + column + sum over corrections of response * value) of some hinges in n lanes; top gets the
/// largest of each place in a vector.
template <int rows>
inline void open_rows(long n, const double* start, const double* columns, long ld, long corrections,
                      const double* const* responses, const double* values, const int* hinges, double* out, Pack* top) {
  const Pack zero = all(0.0);
  Pack base[rows];
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
}

static long open(long rows, long n, const double* start, const double* columns, long ld, long corrections,
                 const double* const* responses, const double* values, int* hinges, double* out, double* most) {
  long kept = 0;
  const auto keep = [&](long r, Pack top) {
    if (set_lanes(top > all(0.0)) == 0) return;
    if (kept != r) {
      for (long i = 0; i < n; i += lanes) store(out + kept * n + i, load(out + r * n + i));
      hinges[kept] = hinges[r];
    }
    most[kept] = largest(top);
    ++kept;
  };
  Pack top[4];
  long r = 0;
  for (; r + 4 <= rows; r += 4) {
    open_rows<4>(n, start, columns, ld, corrections, responses, values, hinges + r, out + r * n, top);
    for (int t = 0; t < 4; ++t) keep(r + t, top[t]);
  }
  for (; r < rows; ++r) {
    open_rows<1>(n, start, columns, ld, corrections, responses, values, hinges + r, out + r * n, top);
    keep(r, top[0]);
  }
  return kept;
}

/// `rows` outputs of packs * lanes configurations, which stay in registers while the corrections stream by; without the
/// pragmas they would go through memory afterwards.
template <int rows, int packs, bool either_sign>
inline void harm_tile(const RowEnd& row, long corrections, long o, long i, Pack* error, Pack* rise) {
  const double* start = row.start + row.hinges + o;
  const double* column = row.columns + (row.hinges + o) * row.ld + i;
  Pack sum[rows][packs];
#pragma GCC unroll 10
  for (int r = 0; r < rows; ++r)
    for (int p = 0; p < packs; ++p) sum[r][p] = start[r] + load(column + r * row.ld + p * lanes);
  const double* excess = row.excess;
  for (long c = 0; c < corrections; ++c, excess += packs * lanes) {
    const double* response = row.answers[c] + o;
#pragma GCC unroll 10
    for (int r = 0; r < rows; ++r)
      for (int p = 0; p < packs; ++p) sum[r][p] += response[r] * load(excess + p * lanes);
  }
  const double* limits = row.limits + o;
#pragma GCC unroll 10
  for (int r = 0; r < rows; ++r)
    for (int p = 0; p < packs; ++p) {
      const Pack harm = either_sign ? without_sign(sum[r][p]) : sum[r][p];
      error[p] = larger(harm, error[p]);
      rise[p] = larger(harm - limits[r], rise[p]);
    }
}

/// Configurations i, ..., i + packs * lanes - 1 of a row: the excesses of its open hinges, then the harms.
template <int packs, bool either_sign>
inline void end_columns(const RowEnd& row, long open, long i, Pack* rise) {
  double* excess = row.excess;
  for (long c = 0; c < row.corrections; ++c, excess += packs * lanes)
    for (int p = 0; p < packs; ++p) store(excess + p * lanes, load(row.values + c * row.n + i + p * lanes));
  for (long h = 0; h < open; ++h, excess += packs * lanes) {
    const long hinge = row.open[h];
    const double* column = row.columns + hinge * row.ld + i;
    Pack sum[packs];
    for (int p = 0; p < packs; ++p) sum[p] = row.start[hinge] + load(column + p * lanes);
    for (long c = 0; c < row.corrections; ++c)
      for (int p = 0; p < packs; ++p) sum[p] += row.responses[c][hinge] * load(row.excess + (c * packs + p) * lanes);
    for (int p = 0; p < packs; ++p) store(excess + p * lanes, larger(sum[p], all(0.0)));
  }
  Pack error[packs], above[packs];
  for (int p = 0; p < packs; ++p) error[p] = above[p] = all(-__builtin_inf());
  const auto tile = [&](auto rows, long o) {
    harm_tile<decltype(rows)::value, packs, either_sign>(row, row.corrections + open, o, i, error, above);
  };
  long o = 0;
#if WITHSTAND_LANES == 8  // twice as many registers
  for (; o + 10 <= row.outputs; o += 10) tile(Constant<10>{}, o);
#endif
  for (; o + 5 <= row.outputs; o += 5) tile(Constant<5>{}, o);
  if (o + 3 <= row.outputs) tile(Constant<3>{}, o), o += 3;
  for (; o < row.outputs; ++o) tile(Constant<1>{}, o);
  for (int p = 0; p < packs; ++p) {
    store(row.errors + i + p * lanes, error[p]);
    *rise = larger(first_lanes(row.width - i - p * lanes) ? above[p] : *rise, *rise);
  }
}

template <bool either_sign>
inline double end_all(const RowEnd& row, long open) {
  Pack rise = all(-__builtin_inf());
  long i = 0;
  for (; i + 2 * lanes <= row.n; i += 2 * lanes) end_columns<2, either_sign>(row, open, i, &rise);
  if (i < row.n) end_columns<1, either_sign>(row, open, i, &rise);
  return largest(rise);
}

static double end_row(RowEnd* row) {
  const long open = openable(row->hinges, row->start, row->highest, row->corrections, row->responses, row->most, row->open);
  row->opened = open;
  for (long c = 0; c < row->corrections; ++c) row->answers[c] = row->responses[c] + row->hinges;
  for (long h = 0; h < open; ++h) row->answers[row->corrections + h] = row->replies + row->open[h] * row->ld_replies;
  return row->either_sign ? end_all<true>(*row, open) : end_all<false>(*row, open);
}

static void reach(long n, long width, long more, long every, const double* effect, const double* const* responses,
                  double* highest, double* across, long ld) {
  for (long j = 0; j < width; ++j) highest[j] = 0;
  for (long i = 0; i < n; ++i) {
    const double* before = highest;
    if (i % every == 0) highest += width;
    for (long j = 0; j < width; j += lanes) {
      const Pack column = effect[i] * load(responses[i] + j);
      store(highest + j, larger(column, load(before + j)));
      for (int lane = 0; lane < WITHSTAND_LANES; ++lane) across[(j + lane) * ld + i + 1] = column[lane];
    }
    for (long j = width; j < width + more; ++j) across[j * ld + i + 1] = effect[i] * responses[i][j];
  }
}
