// SPDX-License-Identifier: MIT
// out = base + sum over c of scale[c] * rows[index[c]]: a matrix-vector product that only reads the rows of signals that
// are not zero. A tile of `packs` * lanes entries of `out` stays in registers while the rows stream by; a narrow tile adds
// up several rows at once, since a sum that waits for the sum before it takes four cycles a row.

template <int packs>
inline void combine_tile(const double* base, long count, const int* index, const double* scale, const double* rows,
                         long ld, double* out) {
  constexpr int chains = packs >= 8 ? 1 : packs >= 4 ? 2 : 4;
  Pack sum[chains][packs];
  for (int p = 0; p < packs; ++p) sum[0][p] = load(base + p * lanes);
  for (int h = 1; h < chains; ++h)
    for (int p = 0; p < packs; ++p) sum[h][p] = all(0.0);
  long c = 0;
  for (; c + chains <= count; c += chains)
    for (int h = 0; h < chains; ++h) {
      const double* row = rows + index[c + h] * ld;
      const double factor = scale[c + h];
      for (int p = 0; p < packs; ++p) sum[h][p] += factor * load(row + p * lanes);
    }
  for (; c < count; ++c)
    for (int p = 0; p < packs; ++p) sum[0][p] += scale[c] * load(rows + index[c] * ld + p * lanes);
  for (int h = 1; h < chains; ++h)
    for (int p = 0; p < packs; ++p) sum[0][p] += sum[h][p];
  for (int p = 0; p < packs; ++p) store(out + p * lanes, sum[0][p]);
}

/// A tile of `left` <= packs vectors.
template <int packs>
inline void combine_rest(long left, const double* base, long count, const int* index, const double* scale,
                         const double* rows, long ld, double* out) {
  if (left == packs) return combine_tile<packs>(base, count, index, scale, rows, ld, out);
  if constexpr (packs > 1) combine_rest<packs - 1>(left, base, count, index, scale, rows, ld, out);
}

static void combine(long n, const double* base, long count, const int* index, const double* scale, const double* rows,
                    long ld, double* out) {
  constexpr int widest = 13;
  long j = 0;
  for (; j + widest * lanes <= n; j += widest * lanes)
    combine_tile<widest>(base + j, count, index, scale, rows + j, ld, out + j);
  const long left = (n - j) / lanes;
  combine_rest<widest - 1>(left, base + j, count, index, scale, rows + j, ld, out + j);
  for (j += left * lanes; j < n; ++j) {
    double sum = base[j];
    for (long c = 0; c < count; ++c) sum += scale[c] * rows[index[c] * ld + j];
    out[j] = sum;
  }
}
