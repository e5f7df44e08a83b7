// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace withstand {

/// The end of a row of the nominal-piece-plus-correction form: n configurations behind the last layer of hinges. With
/// the corrections c of earlier layers, hinge j and output o of configuration i have
///
///     excess[j][i] = max(0, start[j] + columns[j][i] + sum_c responses[c][j] * values[c][i]),
///     harm[o][i] = start[hinges + o] + columns[hinges + o][i] + sum_c responses[c][hinges + o] * values[c][i]
///                  + sum_j replies[j][o] * excess[j][i],
///
/// and errors[i] is the largest harm over the outputs, or (either_sign) the largest absolute value.
struct RowEnd {
  long hinges;   ///< whole vectors
  long outputs;
  long n;        ///< whole vectors, and
  long width;    ///< configurations that count: the rise knows nothing of the others
  bool either_sign;
  const double* start;
  const double* highest;  ///< of each hinge: most that a configuration of the row adds to it
  const double* columns;
  long ld;
  long corrections;
  const double* const* responses;
  const double* values;   ///< leading dimension n
  const double* most;     ///< of each row of values
  const double* replies;
  long ld_replies;
  const double* limits;
  double* errors;
  long opened;            ///< out: number of hinges that open, and
  int* open;              ///< out: which; has room for a vector more
  const double** answers; ///< scratch for corrections + hinges pointers, and
  double* excess;         ///< for two vectors of each
};

/// The arithmetic that is worth compiling once per instruction set. Plain pointers and functions only: see
/// cmake/kernels.cmake for how one library carries several variants and why nothing else may be defined there.
struct Kernels {
  const char* name;  ///< "base", "avx2", "avx512"
  int lanes;         ///< doubles per vector register the code was written for

  /// C (m x n) += A (m x k) * B (k x n); row-major with leading dimensions lda, ldb, ldc.
  void (*multiply_add)(long m, long n, long k, const double* a, long lda, const double* b, long ldb, double* c,
                       long ldc);
  /// dst = base + scale * src, n entries.
  void (*axpy)(long n, double scale, const double* src, const double* base, double* dst);
  /// dst (rows x n, leading dimension ldd): dst[r][i] = base[r] + w[r][nodes[i]] * delta[i]; n > 0.
  void (*spread)(long rows, long n, const double* base, const double* w, long ldw, const int* nodes,
                 const double* delta, double* dst, long ldd);
  /// row = |row - reference|, errors = max(errors, row); returns the largest of row; n > 0.
  double (*deviation)(long n, double* row, double reference, double* errors);
  /// row = row - other, errors = max(errors, row); returns the largest of row; n > 0.
  double (*excess)(long n, double* row, const double* other, double* errors);
  /// The error of configuration i is row[index[i]], index < width (row[i] where index is null). Where it is above errors[i]
  /// by more than `slack`, where = input; within slack of another input's, where = -1; then errors = max(errors, error).
  /// All have room for a whole last vector, an indexed row for two.
  void (*merge_errors)(long n, const double* row, const int* index, long width, double slack, double input,
                       double* errors, double* where);
  /// Indices j < n with start[j] + highest[j] + sum_c max(0, responses[c][j]) * most[c] > 0; returns their number. n is a
  /// number of whole vectors, out has room for one vector more.
  long (*openable)(long n, const double* start, const double* highest, long corrections,
                   const double* const* responses, const double* most, int* out);
  /// out (rows x n): out[r][i] = max(0, start[j] + columns[j][i] + sum_c responses[c][j] * values[c][i]) with
  /// j = hinges[r], leading dimensions ld of columns and n of values. Rows of zeros are left out, of hinges too; returns
  /// the number of the others. most[r] is the largest of a row. n is a number of whole vectors.
  long (*open)(long rows, long n, const double* start, const double* columns, long ld, long corrections,
               const double* const* responses, const double* values, int* hinges, double* out, double* most);
  /// The last hinge layer and the outputs of a row; returns the largest of harm - limits.
  double (*end_row)(RowEnd* row);
  /// Rows r of highest (`width` columns, whole vectors), as many as begin at most n: the largest of 0 and
  /// effect[k] * responses[k] over k < min(n, r * every); across[j][i + 1] = effect[i] * responses[i][j] for
  /// j < width + more, leading dimension ld.
  void (*reach)(long n, long width, long more, long every, const double* effect, const double* const* responses,
                double* highest, double* across, long ld);
  /// s = phi(gain * s) for n entries, to an absolute accuracy of a few roundings of 1 + |phi|; `kind` is the number of
  /// the variant that the activation's Shape names.
  void (*activate)(int kind, double gain, double slope, long n, double* s);
  /// out = base + sum over c < count of scale[c] * rows[index[c]]: n entries, rows `ld` apart; `base` may be `out`.
  void (*combine)(long n, const double* base, long count, const int* index, const double* scale, const double* rows,
                  long ld, double* out);

  /// out[i] = max(a[i], 0) above[i] + min(a[i], 0) below[i].
  void (*split)(long n, const double* a, const double* above, const double* below, double* out);
  /// The sum of the same terms, added to `sum`, and of their absolute values, added to `size`.
  void (*support)(long n, const double* a, const double* above, const double* below, double* sum, double* size);
  /// Sum of |a[i]| b[i].
  double (*magnitude)(long n, const double* a, const double* b);
  /// The first i >= start for which values[i] <= threshold does not hold, or n.
  long (*next_above)(long n, const double* values, double threshold, long start);
  /// The values that are not 0 and their indices, in order; returns how many. Writes up to a vector beyond them.
  long (*nonzero)(long n, const double* values, int* index, double* scale);
  /// The same of max(0, gain * values[i]), which out[i] gets.
  long (*rectify)(long n, double gain, const double* values, double* out, int* index, double* scale);
  /// Sum of the larger of up[i] * d and -down[i] * d, where d is by how much max(gain * values[i], 0) is above from[i]; n
  /// is a number of whole vectors.
  double (*rise)(long n, double gain, const double* values, const double* from, const double* up, const double* down);
  /// A piecewise-linear function at n places: out[i] = value[k] + slope[k] * (at[i] - on[k]) for the last piece k that begins
  /// at at[i] or before, the first one if none does. `pieces`: where each of a power of two begins, then on, value, slope of
  /// all. Returns the largest; n > 0; at and out have room for a vector more.
  double (*look_up)(long n, const double* at, long size, const double* pieces, double* out);
  /// out[i] = the largest of up[i] * d and -down[i] * d over the changes d from values[i] to least[i] and to most[i], plus
  /// slack[i]; returns the largest. n is a number of whole vectors.
  double (*gains)(long n, const double* values, const double* least, const double* most, const double* up,
                  const double* down, const double* slack, double* out);
  /// The indices i with values[i] >= level, in order; returns how many. Writes up to a vector beyond them. n is a number of
  /// whole vectors.
  long (*not_below)(long n, const double* values, double level, int* out);
  /// out[c] = the rise of values + scale[c] * rows[index[c]], rows `ld` apart, for every c < count.
  void (*rises)(long n, double gain, const double* values, long count, const int* index, const double* scale,
                const double* rows, long ld, const double* from, const double* up, const double* down, double* out);
  /// Of third failures c < n, n a multiple of 64, the sum over three pairs one[c], other[c] and 0 less the two larger ones of
  /// one_less[c], other_less[c] and less: met gets those that reach `enough` together with alone[c], and index their c, in
  /// order; returns how many, and has room for one more. `other` and `other_less` are upper halves of single precision.
  long (*thirds)(long n, const float* one, const float* one_less, const unsigned short* other,
                 const unsigned short* other_less, float less, const float* alone, float enough, float* met, int* index);
};

/// The widest variant that this library carries and this machine runs, or the one named by the environment variable
/// WITHSTAND_SIMD. Throws std::runtime_error when that variable names a variant that is not available here.
const Kernels& kernels();

/// So many numbers in whole vectors of these.
long padded(long n);

/// The variant of that name. Throws std::runtime_error when it is not available here.
const Kernels& kernels(const std::string& name);

}  // namespace withstand
