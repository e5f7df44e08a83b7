// SPDX-License-Identifier: MIT
// Piecewise-linear functions of one number: halving what is left of the pieces, every lane for itself, without a jump.

/// The last piece that begins at `at` or before, the first one if none does.
inline long piece_of(double at, long size, const double* start) {
  long piece = 0;
  for (long half = size / 2; half > 0; half /= 2)
    if (start[piece + half] <= at) piece += half;
  return piece;
}

static double look_up(long n, const double* at, long size, const double* pieces, double* out) {
  Pack low = all(at[0]), high = low;
  for (long i = 0; i < n; i += lanes) {
    const Pack here = first_lanes(n - i) ? load(at + i) : low;
    low = smaller(here, low);
    high = larger(here, high);
  }
  // All that is looked up lies on the pieces from `first` on, of which a power of two is enough.
  long first = piece_of(-largest(-low), size, pieces), some = 1;
  const long last = piece_of(largest(high), size, pieces);
  while (first + some <= last) some *= 2;
  first = first < size - some ? first : size - some;
  const double* start = pieces + first;
  Pack worst = all(-__builtin_inf());
  for (long i = 0; i < n; i += lanes) {
    const Pack here = load(at + i);
    Bits place{};
    for (long half = some / 2; half > 0; half /= 2) {
      const Bits next = place + half;
      place = gather(start, next) <= here ? next : place;
    }
    const Pack from = gather(start + size, place), value = gather(start + 2 * size, place), slope = gather(start + 3 * size, place);
    const Pack found = value + slope * (here - from);
    store(out + i, found);
    worst = larger(first_lanes(n - i) ? found : worst, worst);
  }
  return largest(worst);
}
