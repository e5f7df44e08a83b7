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

/// Where an error exceeds the old one by more than `slack`, where = input; within slack, where = -1.
template <class Row>
inline void merge_row(long n, const Row& row, double slack, double input, double* errors, double* where) {
  const Pack here = all(input), unknown = all(-1.0);
  for (long i = 0; i < n; i += lanes) {
    const Bits now = first_lanes(n - i);
    const Pack error = row(i), old = load(errors + i), before = load(where + i);
    const Pack tie = before == here ? here : unknown;
    const Pack near = error >= old - slack ? tie : before;
    const Pack place = error > old + slack ? here : near;
    store(where + i, now ? place : before);
    store(errors + i, now ? larger(error, old) : old);
  }
}

static void merge_errors(long n, const double* row, const int* index, [[maybe_unused]] long width, double slack,
                         double input, double* errors, double* where) {
  if (index == nullptr)
    return merge_row(n, [&](long i) { return load(row + i); }, slack, input, errors, where);
#if defined(__AVX512F__) && WITHSTAND_LANES == 8
  if (width <= 2 * lanes) {
    const Pack low = load(row), high = load(row + lanes);
    return merge_row(n, [&](long i) { return pick(low, high, index + i); }, slack, input, errors, where);
  }
#endif
  merge_row(n, [&](long i) { return gather(row, index + i); }, slack, input, errors, where);
}
