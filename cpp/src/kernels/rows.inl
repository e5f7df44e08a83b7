// SPDX-License-Identifier: MIT
// The inner loops of the nominal-piece-plus-correction form. Widths of rows are multiples of four.

/// low = start + lowest, high = start + highest
static void reach(long n, const double* start, const double* lowest, const double* highest, double* low, double* high) {
  for (long j = 0; j < n; ++j) {
    low[j] = start[j] + lowest[j];
    high[j] = start[j] + highest[j];
  }
}

/// [low, high] += response * [least, most]
static void widen(long n, const double* response, double least, double most, double* low, double* high) {
  for (long j = 0; j < n; ++j) {
    const double a = response[j] * least;
    const double b = response[j] * most;
    low[j] += a < b ? a : b;
    high[j] += a < b ? b : a;
  }
}

/// Indices j with low[j] < from[j] or high[j] > to[j]; returns their number. `out` has room for n.
static long escaping(long n, const double* low, const double* high, const double* from, const double* to, int* out) {
  long count = 0;
  long j = 0;
  for (; j + 4 <= n; j += 4) {
    int any = 0;
    for (int lane = 0; lane < 4; ++lane) any |= (low[j + lane] < from[j + lane]) | (high[j + lane] > to[j + lane]);
    if (any == 0) continue;
    for (int lane = 0; lane < 4; ++lane) {
      out[count] = static_cast<int>(j) + lane;
      count += (low[j + lane] < from[j + lane]) | (high[j + lane] > to[j + lane]);
    }
  }
  for (; j < n; ++j) {
    out[count] = static_cast<int>(j);
    count += (low[j] < from[j]) | (high[j] > to[j]);
  }
  return count;
}

/// out[r][i] = start[nodes[r]] + columns[nodes[r]][i]
static void shift(long rows, long n, const double* start, const double* columns, long ld, const int* nodes,
                  double* out) {
  for (long r = 0; r < rows; ++r) {
    const double base = start[nodes[r]];
    const double* column = columns + nodes[r] * ld;
    for (long i = 0; i < n; ++i) out[r * n + i] = base + column[i];
  }
}

/// out = sum over two hinges (coefficient, sign, at) of coefficient * max(0, sign * (s - at)); its extremes, with 0.
static void hinge(long n, const double* s, const double* hinges, double* out, double* least, double* most) {
  double low[4] = {0, 0, 0, 0};
  double high[4] = {0, 0, 0, 0};
  const bool second = hinges[3] != 0;
  for (long i = 0; i < n; i += 4)
    for (int lane = 0; lane < 4; ++lane) {
      const double x = hinges[1] * (s[i + lane] - hinges[2]);
      double c = hinges[0] * (x > 0 ? x : 0.0);
      if (second) {
        const double y = hinges[4] * (s[i + lane] - hinges[5]);
        c += hinges[3] * (y > 0 ? y : 0.0);
      }
      out[i + lane] = c;
      low[lane] = c < low[lane] ? c : low[lane];
      high[lane] = c > high[lane] ? c : high[lane];
    }
  for (int lane = 0; lane < 4; ++lane) {
    *least = low[lane] < *least ? low[lane] : *least;
    *most = high[lane] > *most ? high[lane] : *most;
  }
}
