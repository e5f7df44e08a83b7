// SPDX-License-Identifier: MIT
// What third failures meet of two.

/// Of n third failures, a multiple of 64: what they and two others gain by meeting, all three pairs, two of them followed.
static long thirds(long n, const float* one, const float* one_less, const unsigned short* other, const unsigned short* other_less,
                   float less, const float* alone, float enough, float* met, int* index) {
  constexpr long block = 64;
  long count = 0;
  for (long i = 0; i < n; i += block) {
    unsigned bits[2 * block];
    float above[2 * block], here[block];
    for (long k = 0; k < block; ++k) bits[k] = static_cast<unsigned>(other[i + k]) << 16;
    for (long k = 0; k < block; ++k) bits[block + k] = static_cast<unsigned>(other_less[i + k]) << 16;
    __builtin_memcpy(above, bits, sizeof above);
    int any = 0;
    for (long k = 0; k < block; ++k) {
      const float a = one_less[i + k], b = above[block + k], ab = a < b ? a : b, least = ab < less ? ab : less;
      here[k] = one[i + k] + above[k] - (a + b + less - least);
      any |= here[k] + alone[i + k] >= enough ? 1 : 0;
    }
    for (long k = 0; any != 0 && k < block; ++k) {
      met[count] = here[k];
      index[count] = static_cast<int>(i + k);
      count += here[k] + alone[i + k] >= enough ? 1 : 0;
    }
  }
  return count;
}
