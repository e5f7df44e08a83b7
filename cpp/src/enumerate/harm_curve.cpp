// SPDX-License-Identifier: MIT
#include "harm_curve.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/rounding.hpp"
#include "kernels/kernels.hpp"

namespace withstand::enumerate {
namespace {

constexpr double rounding = 1e-15;  // of a harm

}  // namespace

/// What outputs are away from the reference; their leads.
void HarmCurve::measure(const double* outputs, Vector& harm) const {
  harm = Eigen::Map<const Vector>(outputs, reference_.size());
  if (decision_ < 0) harm -= reference_;
  else harm.array() -= outputs[decision_];
}

double HarmCurve::value(const Line& line, double distance) const {
  return line.sign * (harm_(line.output) + slope_(line.output) * (distance - at_));
}

/// The line that is highest at a distance.
HarmCurve::Line HarmCurve::top(double distance) const {
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

void HarmCurve::add(double start, const Line& line) {
  pieces_->push_back({start, at_, line.sign * harm_(line.output), line.sign * slope_(line.output)});
}

/// A line that is highest at both ends is so in between: the envelope is convex. Else either no third line is higher where
/// the two cross, or the envelope goes over that one; `depth` ends what rounding would not.
void HarmCurve::split(double start, const Line& first, double end, const Line& last, Index depth) {
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

/// The envelope of one side, outward.
void HarmCurve::side(const Curve& curve, std::vector<Piece>& pieces) {
  pieces_ = &pieces;
  pieces.clear();
  const Index n = reference_.size();
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
  if (!pieces.empty()) return;
  measure(curve.outputs.data(), harm_);  // the neuron cannot move this way
  slope_.setZero(n);
  add(0, top(0));
}

void HarmCurve::trace(const Curve& down, const Curve& up, const Vector& reference, Index decision) {
  reference_ = reference, decision_ = decision;
  side(down, below_);
  side(up, above_);
  const std::size_t pieces = below_.size() + above_.size();
  std::size_t size = 1;
  while (size < pieces) size *= 2;
  numbers_.assign(4 * size, 0.0);
  double* const start = numbers_.data();
  auto put = [&, k = std::size_t{0}](double begin, double at, const Piece& piece, double slope) mutable {
    start[k] = begin, start[size + k] = at, start[2 * size + k] = piece.harm, start[3 * size + k] = slope, ++k;
  };
  for (std::size_t k = below_.size(); k-- > 0;)
    put(k + 1 == below_.size() ? -infinity : -below_[k + 1].start, -below_[k].at, below_[k], -below_[k].slope);
  for (const Piece& piece : above_) put(piece.start, piece.at, piece, piece.slope);
  std::fill(start + pieces, start + size, infinity);
}

double look_up_harm(Index n, const double* moved, std::size_t size, const double* numbers, double* harm) {
  return kernels().look_up(n, moved, static_cast<long>(size), numbers, harm);
}

}  // namespace withstand::enumerate
