// SPDX-License-Identifier: MIT
// phi(gain * s) over whole vectors. The exponential is good to a few units in the last place of a number in [0, 1] or,
// for elu and softplus, of 1 + |value|: that absolute accuracy is what the rounding bound of the enumeration counts on.
// A tail shorter than a vector goes through the same code, so a value does not depend on its place.

/// exp(x) for x <= 0: x = k ln 2 + r, |r| <= ln 2 / 2, a Taylor polynomial of degree 13 in r (error below 5e-18), and k
/// added to the exponent. Below -700 the result is as good as 0 beside 1.
inline Pack exponential(Pack x) {
  x = larger(x, all(-700.0));
  const Pack magic = all(6755399441055744.0);  // 1.5 * 2^52: its sum with a small number holds the nearest integer
  const Pack shifted = x * 1.4426950408889634074 + magic;
  const Pack k = shifted - magic;
  const Pack r = (x - k * 6.93147180369123816490e-01) - k * 1.90821492927058770002e-10;
  Pack p = all(1.0 / 6227020800.0);
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return reinterpret_cast<Pack>(reinterpret_cast<Bits>(p) + (reinterpret_cast<Bits>(shifted) << 52));
}

/// log(1 + e) for 0 <= e <= 1: twice the area tangent of z = e / (2 + e) <= 1/3.
inline Pack logarithm1p(Pack e) {
  const Pack z = e / (e + 2.0);
  const Pack q = z * z;
  Pack p = all(1.0 / 35.0);
  for (int odd = 33; odd >= 1; odd -= 2) p = p * q + 1.0 / odd;
  return 2.0 * z * p;
}

template <int kind>
inline Pack phi(Pack x, double slope) {
  const Pack zero = all(0.0);
  const Pack one = all(1.0);
  if (kind == 2) return larger(x, zero);
  if (kind == 3) return x >= 0.0 ? x : slope * x;
  if (kind == 4) return smaller(one, larger(-one, x));
  if (kind == 5) return smaller(one, larger(zero, x + 0.5));
  if (kind == 8) return x;
  const Pack magnitude = larger(x, -x);
  if (kind == 0) {  // logistic
    const Pack e = exponential(-magnitude);
    const Pack r = 1.0 / (1.0 + e);
    return x >= 0.0 ? r : e * r;
  }
  if (kind == 1) {  // tanh
    const Pack e = exponential(-2.0 * magnitude);
    const Pack r = (1.0 - e) / (1.0 + e);
    return x >= 0.0 ? r : -r;
  }
  if (kind == 6) return x >= 0.0 ? x : slope * (exponential(smaller(x, zero)) - 1.0);  // elu
  return larger(x, zero) + logarithm1p(exponential(-magnitude));                       // softplus
}

template <int kind>
inline void activate_as(double gain, double slope, long n, double* s) {
  long i = 0;
  for (; i + lanes <= n; i += lanes) store(s + i, phi<kind>(gain * load(s + i), slope));
  if (i == n) return;
  double rest[WITHSTAND_LANES] = {};
  for (long lane = 0; i + lane < n; ++lane) rest[lane] = s[i + lane];
  store(rest, phi<kind>(gain * load(rest), slope));
  for (long lane = 0; i + lane < n; ++lane) s[i + lane] = rest[lane];
}

/// `kind` is the number that a row of activation/table.cpp names.
static void activate(int kind, double gain, double slope, long n, double* s) {
  switch (kind) {
    case 0: return activate_as<0>(gain, slope, n, s);
    case 1: return activate_as<1>(gain, slope, n, s);
    case 2: return activate_as<2>(gain, slope, n, s);
    case 3: return activate_as<3>(gain, slope, n, s);
    case 4: return activate_as<4>(gain, slope, n, s);
    case 5: return activate_as<5>(gain, slope, n, s);
    case 6: return activate_as<6>(gain, slope, n, s);
    case 7: return activate_as<7>(gain, slope, n, s);
    default: return activate_as<8>(gain, slope, n, s);
  }
}
