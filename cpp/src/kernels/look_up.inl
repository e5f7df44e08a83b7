// SPDX-License-Identifier: MIT
// Piecewise-linear functions of one number. Of few pieces each takes the places behind its start, a vector at a time; of more
// what is left is halved, without a jump: some searches at a time hide each other's waiting; vectors of places that gather
// what they compare with took twice to three times as long.

/// The last of `some` pieces from `first` on that begins at each place or before, the first one if none does; there, its line.
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

/// The same of pieces from `first` to `last`, for all places.
inline void look_up_few(long n, const double* at, long size, long first, long last, const double* pieces, double* out) {
  for (long i = 0; i < n; i += lanes) {
    const Pack here = load(at + i);
    Pack place = all(pieces[size + first]), value = all(pieces[2 * size + first]), slope = all(pieces[3 * size + first]);
    for (long piece = first + 1; piece <= last; ++piece) {
      const Bits behind = here >= all(pieces[piece]);
      place = behind ? all(pieces[size + piece]) : place;
      value = behind ? all(pieces[2 * size + piece]) : value;
      slope = behind ? all(pieces[3 * size + piece]) : slope;
    }
    store(out + i, value + slope * (here - place));
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
  long first = 0, last = 0;  // all that is looked up lies on these pieces and those in between
  for (long half = size / 2; half > 0; half /= 2) {
    first += pieces[first + half] <= lowest ? half : 0;
    last += pieces[last + half] <= highest ? half : 0;
  }
  long i = 0;
  if (last - first < lanes) {
    look_up_few(n, at, size, first, last, pieces, out);
  } else {
    long some = 1;  // a power of two of them is enough
    while (first + some <= last) some *= 2;
    first = first < size - some ? first : size - some;
    constexpr int together = 8;
    for (; i + together <= n; i += together) look_up_some<together>(at + i, size, first, some, pieces, out + i);
    for (; i < n; ++i) look_up_some<1>(at + i, size, first, some, pieces, out + i);
  }
  Pack worst = all(-__builtin_inf());
  for (i = 0; i < n; i += lanes) worst = larger(first_lanes(n - i) ? load(out + i) : worst, worst);
  return largest(worst);
}
