// SPDX-License-Identifier: MIT
// The inner loops of the enumeration. Every element is one chain of operations, whatever its place in a vector.

/// dst = base + scale * src
static void axpy(long n, double scale, const double* src, const double* base, double* dst) {
  long i = 0;
  for (; i + lanes <= n; i += lanes) store(dst + i, load(base + i) + scale * load(src + i));
  for (; i < n; ++i) dst[i] = base[i] + scale * src[i];
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

/// One step of the two functions below: a vector of errors is stored, merged and remembered.
inline void note(Pack error, double* row, double* errors, Pack* worst) {
  store(row, error);
  store(errors, larger(load(errors), error));
  *worst = larger(*worst, error);
}

/// Whatever is done to whole vectors, done to the last n < lanes entries in a copy.
template <class Step>
inline void tail(long n, double* row, const double* other, double* errors, const Step& step) {
  double rows[WITHSTAND_LANES], others[WITHSTAND_LANES], merged[WITHSTAND_LANES];
  for (long lane = 0; lane < lanes; ++lane) {  // repeated entries change no maximum
    rows[lane] = row[lane < n ? lane : 0];
    others[lane] = other[lane < n ? lane : 0];
    merged[lane] = errors[lane < n ? lane : 0];
  }
  step(rows, others, merged);
  for (long lane = 0; lane < n; ++lane) {
    row[lane] = rows[lane];
    errors[lane] = merged[lane];
  }
}

inline double largest(Pack values) {
  double best[WITHSTAND_LANES];
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) best[lane] = values[lane];
  for (int half = WITHSTAND_LANES / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; ++lane) best[lane] = best[lane + half] > best[lane] ? best[lane + half] : best[lane];
  return best[0];
}

/// row = |row - reference|, errors = max(errors, row); returns the largest of row.
static double deviation(long n, double* row, double reference, double* errors) {
  Pack worst = all(0.0);
  const auto step = [&](double* r, const double*, double* e) {
    const Pack d = load(r) - reference;
    note(larger(d, -d), r, e, &worst);
  };
  long i = 0;
  for (; i + lanes <= n; i += lanes) step(row + i, row + i, errors + i);
  if (i < n) tail(n - i, row + i, row + i, errors + i, step);
  return largest(worst);
}

/// row = row - other, errors = max(errors, row); returns the largest of row.
static double excess(long n, double* row, const double* other, double* errors) {
  Pack worst = all(row[0] - other[0]);
  const auto step = [&](double* r, const double* o, double* e) { note(load(r) - load(o), r, e, &worst); };
  long i = 0;
  for (; i + lanes <= n; i += lanes) step(row + i, other + i, errors + i);
  if (i < n) tail(n - i, row + i, other + i, errors + i, step);
  return largest(worst);
}

/// Where row exceeds errors by more than slack, where = input; within slack, where = -1; errors = max(errors, row).
static void merge_errors(long n, const double* row, double slack, double input, double* errors, double* where) {
  for (long i = 0; i < n; ++i) {
    const double old = errors[i];
    const double here = row[i];
    const double tie = where[i] == input ? input : -1.0;
    const double near = here >= old - slack ? tie : where[i];
    where[i] = here > old + slack ? input : near;
    errors[i] = here > old ? here : old;
  }
}
