// SPDX-License-Identifier: MIT
#pragma once

#include "curve.hpp"

namespace withstand::enumerate {

/// The largest harm over the outputs, by how far what one neuron sends has moved (below 0: down): a piecewise-linear
/// function, the upper envelope of the lines that the outputs run along between two knots.
class HarmCurve {
 public:
  /// Errors against the reference; or, where `decision` is an output, the others' leads over it. One curve after the other,
  /// in the same memory.
  void trace(const Curve& down, const Curve& up, const Vector& reference, Index decision);

  /// Of pieces, a power of two: where they begin (below 0: where they end), a place on them, the harm there, slopes.
  const std::vector<double>& numbers() const { return numbers_; }

 private:
  struct Piece {
    double start;            // distance
    double at, harm, slope;  // of the line: a distance on it, the harm there, what it grows by
  };
  struct Line {
    Index output;
    double sign;
    bool operator==(const Line& other) const { return output == other.output && sign == other.sign; }
  };

  void side(const Curve& curve, std::vector<Piece>& pieces);
  void measure(const double* outputs, Vector& harm) const;
  double value(const Line& line, double distance) const;
  Line top(double distance) const;
  void add(double start, const Line& line);
  void split(double start, const Line& first, double end, const Line& last, Index depth);

  Vector reference_;
  Index decision_ = -1;
  std::vector<Piece> below_, above_;
  std::vector<Piece>* pieces_ = nullptr;  // of the side at hand
  double at_ = 0;
  Vector harm_, slope_;                   // of every output: at the knot, and behind it
  std::vector<double> numbers_;
};

/// harm[i] at moved[i], i < n, on the curve that has these numbers; returns the largest. Both have room for a vector more.
double look_up_harm(Index n, const double* moved, std::size_t size, const double* numbers, double* harm);

}  // namespace withstand::enumerate
