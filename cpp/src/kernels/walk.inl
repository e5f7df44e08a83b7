// SPDX-License-Identifier: MIT
// The inner loops of the enumeration. Every element is one chain of operations, whatever its place in a vector.

/// dst += scale * src
static void axpy(long n, double scale, const double* src, double* dst) {
  for (long i = 0; i < n; ++i) dst[i] += scale * src[i];
}

/// dst (rows x n) = base (rows) + w[row][nodes[i]] * delta[i]: one column per configuration, of which all share `base`.
static void spread(long rows, long n, const double* base, const double* w, long ldw, const int* nodes,
                   const double* delta, double* dst, long ldd) {
  const bool consecutive = nodes[n - 1] - nodes[0] == n - 1;  // nodes increase, or repeat for synapses of one receiver
  bool increasing = consecutive;
  for (long i = 1; i < n && increasing; ++i) increasing = nodes[i] == nodes[0] + i;
  for (long r = 0; r < rows; ++r) {
    const double start = base[r];
    const double* weights = w + r * ldw;
    double* out = dst + r * ldd;
    if (increasing) {
      const double* first = weights + nodes[0];
      for (long i = 0; i < n; ++i) out[i] = start + first[i] * delta[i];
    } else {
      for (long i = 0; i < n; ++i) out[i] = start + weights[nodes[i]] * delta[i];
    }
  }
}

/// row = |row - reference|, errors = max(errors, row); returns the largest of row.
static double deviation(long n, double* row, double reference, double* errors) {
  double worst = 0;
  for (long i = 0; i < n; ++i) {
    const double d = row[i] - reference;
    const double error = d < 0 ? -d : d;
    row[i] = error;
    errors[i] = errors[i] < error ? error : errors[i];
    worst = worst < error ? error : worst;
  }
  return worst;
}

/// row = row - other, errors = max(errors, row); returns the largest of row.
static double excess(long n, double* row, const double* other, double* errors) {
  double worst = row[0] - other[0];
  for (long i = 0; i < n; ++i) {
    const double error = row[i] - other[i];
    row[i] = error;
    errors[i] = errors[i] < error ? error : errors[i];
    worst = worst < error ? error : worst;
  }
  return worst;
}

/// Where row exceeds errors by more than slack, where = input; within slack, where = -1; errors = max(errors, row).
static void merge_errors(long n, const double* row, double slack, double input, double* errors, double* where) {
  for (long i = 0; i < n; ++i) {
    const double old = errors[i];
    const double here = row[i];
    const double near = here >= old - slack ? -1.0 : where[i];
    where[i] = here > old + slack ? input : near;
    errors[i] = here > old ? here : old;
  }
}
