// SPDX-License-Identifier: MIT
// out = base + sum over c of scale[c] * rows[index[c]]: a matrix-vector product that only reads the rows of signals that
// are not zero. A tile of `packs` * lanes entries of `out` stays in registers while the rows stream by.

template <int packs>
inline void combine_tile(const double* base, long count, const int* index, const double* scale, const double* rows,
                         long ld, double* out) {
  Pack sum[packs];
  for (int p = 0; p < packs; ++p) sum[p] = load(base + p * lanes);
  for (long c = 0; c < count; ++c) {
    const double* row = rows + index[c] * ld;
    const double factor = scale[c];
    for (int p = 0; p < packs; ++p) sum[p] += factor * load(row + p * lanes);
  }
  for (int p = 0; p < packs; ++p) store(out + p * lanes, sum[p]);
}

static void combine(long n, const double* base, long count, const int* index, const double* scale, const double* rows,
                    long ld, double* out) {
  long j = 0;
  for (; j + 13 * lanes <= n; j += 13 * lanes) combine_tile<13>(base + j, count, index, scale, rows + j, ld, out + j);
  for (; j + 8 * lanes <= n; j += 8 * lanes) combine_tile<8>(base + j, count, index, scale, rows + j, ld, out + j);
  for (; j + 4 * lanes <= n; j += 4 * lanes) combine_tile<4>(base + j, count, index, scale, rows + j, ld, out + j);
  for (; j + 2 * lanes <= n; j += 2 * lanes) combine_tile<2>(base + j, count, index, scale, rows + j, ld, out + j);
  for (; j + lanes <= n; j += lanes) combine_tile<1>(base + j, count, index, scale, rows + j, ld, out + j);
  for (; j < n; ++j) {
    double sum = base[j];
    for (long c = 0; c < count; ++c) sum += scale[c] * rows[index[c] * ld + j];
    out[j] = sum;
  }
}
