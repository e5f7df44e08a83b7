// SPDX-License-Identifier: MIT
// C += A B. B's rows are contiguous, so a tile of `rows` x (`packs` * lanes) of C stays in registers while one row of
// B after the other is loaded once and multiplied by `rows` broadcast entries of A. No packing: the matrices of a
// network layer fit the second-level cache.

template <int rows, int packs>
inline void tile(long k, const double* a, long lda, const double* b, long ldb, double* c, long ldc) {
  Pack sum[rows][packs];
  for (int r = 0; r < rows; ++r)
    for (int p = 0; p < packs; ++p) sum[r][p] = load(c + r * ldc + p * lanes);
  for (long i = 0; i < k; ++i) {
    Pack row[packs];
    for (int p = 0; p < packs; ++p) row[p] = load(b + i * ldb + p * lanes);
    for (int r = 0; r < rows; ++r) {
      const double scale = a[r * lda + i];
      for (int p = 0; p < packs; ++p) sum[r][p] += scale * row[p];
    }
  }
  for (int r = 0; r < rows; ++r)
    for (int p = 0; p < packs; ++p) store(c + r * ldc + p * lanes, sum[r][p]);
}

template <int rows>
inline void strip(long n, long k, const double* a, long lda, const double* b, long ldb, double* c, long ldc) {
  long j = 0;
  for (; j + 3 * lanes <= n; j += 3 * lanes) tile<rows, 3>(k, a, lda, b + j, ldb, c + j, ldc);
  for (; j + 2 * lanes <= n; j += 2 * lanes) tile<rows, 2>(k, a, lda, b + j, ldb, c + j, ldc);
  for (; j + lanes <= n; j += lanes) tile<rows, 1>(k, a, lda, b + j, ldb, c + j, ldc);
  for (; j < n; ++j)
    for (int r = 0; r < rows; ++r) {
      double sum = c[r * ldc + j];
      for (long i = 0; i < k; ++i) sum += a[r * lda + i] * b[i * ldb + j];
      c[r * ldc + j] = sum;
    }
}

static void multiply_add(long m, long n, long k, const double* a, long lda, const double* b, long ldb, double* c,
                         long ldc) {
  long r = 0;
  for (; r + 4 <= m; r += 4) strip<4>(n, k, a + r * lda, lda, b, ldb, c + r * ldc, ldc);
  if (r + 3 == m) strip<3>(n, k, a + r * lda, lda, b, ldb, c + r * ldc, ldc);
  if (r + 2 == m) strip<2>(n, k, a + r * lda, lda, b, ldb, c + r * ldc, ldc);
  if (r + 1 == m) strip<1>(n, k, a + r * lda, lda, b, ldb, c + r * ldc, ldc);
}
