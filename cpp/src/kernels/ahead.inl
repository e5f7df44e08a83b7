// SPDX-License-Identifier: MIT
// What failures still to come can do to a harm, at most: a change up times one factor, or a change down times another one.

/// What the change from `from` to a rectifier's `sum` does at most.
inline Pack changed(double gain, Pack sum, Pack from, const double* up, const double* down) {
  const Pack d = larger(gain * sum, all(0.0)) - from;
  return larger(load(up) * d, load(down) * -d);
}

/// Sum of the larger of up * d and -down * d, where d is by how much max(gain * value, 0) is above `from`; n is a number of
/// whole vectors.
static double rise(long n, double gain, const double* values, const double* from, const double* up, const double* down) {
  Pack sum = all(0.0);
  for (long i = 0; i < n; i += lanes) sum += changed(gain, load(values + i), load(from + i), up + i, down + i);
  return sum_by_halves(sum);
}

/// The same of values + scale[c] * rows[index[c]], rows `ld` apart, for every c < count.
static void rises(long n, double gain, const double* values, long count, const int* index, const double* scale,
                  const double* rows, long ld, const double* from, const double* up, const double* down, double* out) {
  for (long c = 0; c < count; ++c) {
    const double* row = rows + index[c] * ld;
    const double factor = scale[c];
    Pack sum = all(0.0);
    for (long i = 0; i < n; i += lanes)
      sum += changed(gain, load(values + i) + factor * load(row + i), load(from + i), up + i, down + i);
    out[c] = sum_by_halves(sum);
  }
}

/// out = the largest of up * d and -down * d over the changes d from `values` to `least` and to `most`, plus slack; returns the
/// largest; n is a number of whole vectors.
static double gains(long n, const double* values, const double* least, const double* most, const double* up,
                    const double* down, const double* slack, double* out) {
  Pack best = all(-__builtin_inf());
  for (long i = 0; i < n; i += lanes) {
    const Pack from = load(values + i), gain = larger(load(up + i) * (load(most + i) - from), load(down + i) * (from - load(least + i)));
    const Pack here = gain + load(slack + i);
    store(out + i, here);
    best = larger(here, best);
  }
  return largest(best);
}

/// The indices i with values[i] >= level, in order; returns how many. Writes up to a vector beyond them; n is a number of whole
/// vectors.
static long not_below(long n, const double* values, double level, int* out) {
  long count = 0;
  for (long i = 0; i < n; i += lanes) count += put_indices(set_lanes(load(values + i) >= level), i, out + count);
  return count;
}
