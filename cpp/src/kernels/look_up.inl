// SPDX-License-Identifier: MIT
// Piecewise-linear functions of one number: halving what is left of the pieces, without a jump. Some searches at a time hide
// each other's waiting; vectors of places that gather what they compare with took twice to three times as long.

/// The last of `some` pieces from `first` on that begins at each place or before, the first one if none does; there, the line.
template <int places>
inline void look_up_some(const double* at, long size, long first, long some, const double* pieces, double* out) {
  long piece[places];
  for (int i = 0; i < places; ++i) piece[i] = first;
  for (long half = some / 2; half > 0; half /= 2)
    for (int i = 0; i < places; ++i) piece[i] += pieces[piece[i] + half] <= at[i] ? half : 0;
  for (int i = 0; i < places; ++i) {
    const double* line = pieces + piece[i];
    out[i] = line[2 * size] + line[3 * size] * (at[i] - line[size]);
  }
}

static double look_up(long n, const double* at, long size, const double* pieces, double* out) {
  Pack low = all(at[0]), high = low;
  for (long i = 0; i < n; i += lanes) {
    const Pack here = first_lanes(n - i) ? load(at + i) : low;
    low = smaller(here, low);
    high = larger(here, high);
  }
  const double lowest = -largest(-low), highest = largest(high);
  // All that is looked up lies on the pieces from that of the lowest place on, of which a power of two is enough.
  long first = 0, last = 0, some = 1;
  for (long half = size / 2; half > 0; half /= 2) {
    first += pieces[first + half] <= lowest ? half : 0;
    last += pieces[last + half] <= highest ? half : 0;
  }
  while (first + some <= last) some *= 2;
  first = first < size - some ? first : size - some;
  constexpr int together = 8;
  long i = 0;
  for (; i + together <= n; i += together) look_up_some<together>(at + i, size, first, some, pieces, out + i);
  for (; i < n; ++i) look_up_some<1>(at + i, size, first, some, pieces, out + i);
  Pack worst = all(-__builtin_inf());
  for (i = 0; i < n; i += lanes) worst = larger(first_lanes(n - i) ? load(out + i) : worst, worst);
  return largest(worst);
}
