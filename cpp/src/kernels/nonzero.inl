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

/// The same of max(0, gain * value), which `out` gets.
static long rectify(long n, double gain, const double* values, double* out, int* index, double* scale) {
  long count = 0, i = 0;
  for (; i + lanes <= n; i += lanes) {
    const Pack here = larger(gain * load(values + i), all(0.0));
    const unsigned set = set_lanes(here > 0.0);
    store(out + i, here);
    put_values(set, here, scale + count);
    count += put_indices(set, i, index + count);
  }
  for (; i < n; ++i) {
    const double here = gain * values[i];
    out[i] = here > 0 ? here : 0;
    index[count] = static_cast<int>(i);
    scale[count] = out[i];
    count += here > 0 ? 1 : 0;
  }
  return count;
}
