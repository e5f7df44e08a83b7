// SPDX-License-Identifier: MIT
/// Which of n values are not zero, in order: index and scale get them, and one vector of room more; returns how many.
static long nonzero(long n, const double* values, int* index, double* scale) {
  long count = 0, i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Pack here = load(values + i);
    const unsigned set = set_lanes(here != 0.0);
    put_values(set, here, scale + count);
    count += put_indices(set, i, index + count);
  }
  for (; i < n; ++i) {
    index[count] = static_cast<int>(i);
    scale[count] = values[i];
    count += values[i] != 0 ? 1 : 0;
  }
  return count;
}

/// The same of max(0, gain * value).
static long positive(long n, double gain, const double* values, int* index, double* scale) {
  long count = 0, i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Pack here = gain * load(values + i);
    const unsigned set = set_lanes(here > 0.0);
    put_values(set, here, scale + count);
    count += put_indices(set, i, index + count);
  }
  for (; i < n; ++i) {
    index[count] = static_cast<int>(i);
    scale[count] = gain * values[i];
    count += scale[count] > 0 ? 1 : 0;
  }
  return count;
}

/// Sum of the larger of up * d and -down * d, where d is by how much max(gain * value, floor) is above `from`; n is a
/// number of whole vectors.
static double rise(long n, double gain, double floor, const double* values, const double* from, const double* up,
                   const double* down) {
  Pack sum = all(0.0);
  for (long i = 0; i < n; i += lanes) {
    const Pack d = larger(gain * load(values + i), all(floor)) - load(from + i);
    sum += larger(load(up + i) * d, load(down + i) * -d);
  }
  double total = 0;
  for (int lane = 0; lane < WITHSTAND_LANES; ++lane) total += sum[lane];
  return total;
}
