// SPDX-License-Identifier: MIT
#include "harm_curve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/kernels.hpp"

namespace withstand::enumerate {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double rounding = 1e-15;  // of a harm

struct Piece {
  double start;          // distance
  double at, harm, slope;  // of the line: a distance on it, the harm there, what it grows by
};

/// The envelope of one side, outward.
class Envelope {
 public:
  Envelope(const Vector& reference, Index decision, std::vector<Piece>& pieces)
      : reference_(reference), decision_(decision), pieces_(pieces) {}

  void trace(const Curve& curve) {
    const Index n = reference_.size();
    pieces_.reserve(2 * curve.at.size());
    for (std::size_t k = 0; k + 1 < curve.at.size(); ++k) {
      const double length = curve.at[k + 1] - curve.at[k];
      if (length <= 0) continue;
      const double* outputs = curve.outputs.data() + static_cast<Index>(k) * n;
      at_ = curve.at[k];
      measure(outputs, harm_);
      measure(outputs + n, slope_);
      slope_ = (slope_ - harm_) / length;
      split(at_, top(at_), curve.at[k + 1], top(curve.at[k + 1]), 2 * n);
    }
    if (!pieces_.empty()) return;
    measure(curve.outputs.data(), harm_);  // the neuron cannot move this way
    slope_ = Vector::Zero(n);
    add(0, top(0));
  }

 private:
  struct Line {
    Index output;
    double sign;
    bool operator==(const Line& other) const { return output == other.output && sign == other.sign; }
  };

  /// What outputs are away from the reference; their leads.
  void measure(const double* outputs, Vector& harm) const {
    harm = Eigen::Map<const Vector>(outputs, reference_.size());
    if (decision_ < 0) harm -= reference_;
    else harm.array() -= outputs[decision_];
  }
  double value(const Line& line, double distance) const {
    return line.sign * (harm_(line.output) + slope_(line.output) * (distance - at_));
  }
  /// The line that is highest at a distance.
  Line top(double distance) const {
    Line best{0, 1};
    double most = -infinity;
    for (Index o = 0; o < harm_.size(); ++o) {
      if (o == decision_) continue;
      const double harm = harm_(o) + slope_(o) * (distance - at_);
      const double size = decision_ < 0 ? std::abs(harm) : harm;
      if (size > most) most = size, best = {o, size == harm ? 1.0 : -1.0};
    }
    return best;
  }
  void add(double start, const Line& line) {
    pieces_.push_back({start, at_, line.sign * harm_(line.output), line.sign * slope_(line.output)});
  }
  /// A line that is highest at both ends is so in between: the envelope is convex. Else either no third line is higher where
  /// the two cross, or the envelope goes over that one; `depth` ends what rounding would not.
  void split(double start, const Line& first, double end, const Line& last, Index depth) {
    if (first == last) return add(start, first);
    const double before = std::max(0.0, value(first, start) - value(last, start));
    const double behind = std::max(0.0, value(last, end) - value(first, end));
    const double crossing = start + (end - start) * (before + behind > 0 ? before / (before + behind) : 0);
    const Line third = top(crossing);
    const double known = std::max(value(first, crossing), value(last, crossing)), size = std::abs(value(first, start)) + std::abs(value(last, end));
    if (value(third, crossing) - known <= rounding * size || depth == 0) {
      add(start, first);
      return add(crossing, last);
    }
    split(start, first, crossing, third, depth - 1);
    split(crossing, third, end, last, depth - 1);
  }

  const Vector& reference_;
  const Index decision_;
  std::vector<Piece>& pieces_;
  double at_ = 0;
  Vector harm_, slope_;  // of every output: at the knot, and behind it
};

}  // namespace

HarmCurve::HarmCurve(const Curve& down, const Curve& up, const Vector& reference, Index decision) {
  std::vector<Piece> below, above;
  Envelope(reference, decision, below).trace(down);
  Envelope(reference, decision, above).trace(up);
  const std::size_t pieces = below.size() + above.size();
  for (size_ = 1; size_ < pieces; size_ *= 2) {}
  numbers_.assign(4 * size_, 0.0);
  double* const start = numbers_.data();
  auto put = [&, k = std::size_t{0}](double begin, double at, const Piece& piece, double slope) mutable {
    start[k] = begin, start[size_ + k] = at, start[2 * size_ + k] = piece.harm, start[3 * size_ + k] = slope, ++k;
  };
  for (std::size_t k = below.size(); k-- > 0;)
    put(k + 1 == below.size() ? -infinity : -below[k + 1].start, -below[k].at, below[k], -below[k].slope);
  for (const Piece& piece : above) put(piece.start, piece.at, piece, piece.slope);
  std::fill(start + pieces, start + size_, infinity);
}

double HarmCurve::look_up(Index n, const double* moved, double* harm) const {
  return kernels().look_up(n, moved, static_cast<long>(size_), numbers_.data(), harm);
}

}  // namespace withstand::enumerate
