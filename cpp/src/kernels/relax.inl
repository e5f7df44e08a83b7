// SPDX-License-Identifier: MIT
// One row of a back-substitution. Coefficients choose by their sign between two lines: a comparison and a blend per
// pack where scalar code would mispredict every other branch.

inline Pack positive_part(Pack a) { return a > 0 ? a : Pack{}; }
inline Pack negative_part(Pack a) { return a > 0 ? Pack{} : a; }

inline double total(Pack sum) {
  double result = 0;
  for (long lane = 0; lane < lanes; ++lane) result += sum[lane];
  return result;
}

static void split(long n, const double* a, const double* above, const double* below, double* out) {
  long i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Pack row = load(a + i);
    store(out + i, positive_part(row) * load(above + i) + negative_part(row) * load(below + i));
  }
  for (; i < n; ++i) out[i] = a[i] > 0 ? a[i] * above[i] : a[i] * below[i];
}

static void support(long n, const double* a, const double* above, const double* below, double* sum, double* size) {
  Pack sums{}, sizes{};
  long i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Pack row = load(a + i);
    const Pack offset = positive_part(row) * load(above + i) + negative_part(row) * load(below + i);
    sums += offset;
    sizes += without_sign(offset);
  }
  double tail = 0, tail_size = 0;
  for (; i < n; ++i) {
    const double offset = a[i] > 0 ? a[i] * above[i] : a[i] * below[i];
    tail += offset;
    tail_size += offset > 0 ? offset : -offset;
  }
  *sum += total(sums) + tail;
  *size += total(sizes) + tail_size;
}

static double magnitude(long n, const double* a, const double* b) {
  Pack sums{};
  long i = 0;
  for (; i + lanes <= n; i += lanes) sums += without_sign(load(a + i)) * load(b + i);
  double tail = 0;
  for (; i < n; ++i) tail += (a[i] > 0 ? a[i] : -a[i]) * b[i];
  return total(sums) + tail;
}

static long next_above(long n, const double* values, double threshold, long start) {
  const Pack limit = Pack{} + threshold;
  long i = start;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    auto above = ~(load(values + i) <= limit);  // not <=: what is not a number must turn up
    for (long p = 1; p < 4; ++p) above |= ~(load(values + i + p * lanes) <= limit);
    bool found = false;
    for (long lane = 0; lane < lanes; ++lane) found |= above[lane] != 0;
    if (found) break;
  }
  for (; i < n; ++i)
    if (!(values[i] <= threshold)) return i;
  return n;
}
