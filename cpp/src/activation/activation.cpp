// SPDX-License-Identifier: MIT
#include "withstand/activation.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "activation/shape.hpp"
#include "core/rounding.hpp"

namespace withstand {

/// Continuity gives the intercepts, from the piece of 0 outward.
Pieces::Pieces(const std::vector<double>& at, const std::vector<double>& slopes, double at_zero)
    : corners(static_cast<int>(at.size())) {
  const bool negative = std::any_of(slopes.begin(), slopes.end(), [](double m) { return !(m >= 0); });
  if (at.size() > 2 || slopes.size() != at.size() + 1 || !std::is_sorted(at.begin(), at.end()) || negative)
    throw std::logic_error("pieces are at most two corners in order, and a slope >= 0 more than corners");
  for (std::size_t k = 0; k < 2; ++k) corner[k] = k < at.size() ? at[k] : infinity;
  for (std::size_t k = 0; k < 3; ++k) slope[k] = slopes[std::min(k, at.size())];
  const int home = piece(0.0);
  intercept[home] = at_zero;
  for (int k = home; k < 2; ++k)
    intercept[k + 1] = intercept[k] + (k < corners ? (slope[k] - slope[k + 1]) * corner[k] : 0);
  for (int k = home; k > 0; --k) intercept[k - 1] = intercept[k] + (slope[k] - slope[k - 1]) * corner[k - 1];
}

Pieces Pieces::clamped(double low, double high, double slope, double at_zero) {
  Pieces p({(low - at_zero) / slope, (high - at_zero) / slope}, {0, slope, 0}, at_zero);
  p.intercept[0] = low, p.intercept[1] = at_zero, p.intercept[2] = high;
  p.ramp = true;
  for (int k = 0; k < 2; ++k)
    if (std::fma(slope, p.corner[k], at_zero - p.intercept[2 * k]) != 0)
      p.rounded = std::max(p.rounded, 0x1p-50 * std::abs(p.corner[k]));
  return p;
}

double Pieces::steepest() const { return std::max({slope[0], slope[1], slope[2]}); }

namespace {

/// The pieces of a smooth function are never asked for.
Pieces pieces_of(const Shape& shape, double slope) {
  return shape.pieces != nullptr ? shape.pieces(slope) : Pieces({}, {1}, 0);
}

double checked_slope(const Shape& shape, double gain, double given) {
  const bool sloped = !std::isnan(shape.default_slope);
  const double slope = std::isnan(given) ? shape.default_slope : given;
  std::ostringstream message;
  if (!(gain > 0) || std::isinf(gain))
    message << "activation " << shape.name << ": gain must be positive and finite, got " << gain;
  else if (!sloped && !std::isnan(given))
    message << "activation " << shape.name << " has no slope, got " << given;
  else if (sloped && (!(slope >= 0) || std::isinf(slope)))
    message << "activation " << shape.name << ": slope must be nonnegative and finite, got " << slope;
  if (!message.str().empty()) throw std::invalid_argument(message.str());
  return slope;
}

}  // namespace

Activation::Activation(const std::string& name, double gain, double slope)
    : shape_(&shape_named(name)), gain_(gain), slope_(checked_slope(*shape_, gain, slope)),
      pieces_(pieces_of(*shape_, slope_)), smooth_(shape_->smooth != nullptr),
      nondecreasing_(!smooth_ || shape_->smooth->stationary.count == 0) {
  const bool parameterless = !smooth_ && !has_slope();
  identity_ = parameterless && pieces_.corners == 0 && pieces_.slope[0] == 1 && pieces_.intercept[0] == 0;
  rectifier_ = parameterless && pieces_.corners == 1 && pieces_.corner[0] == 0 && pieces_.slope[0] == 0 &&
               pieces_.slope[1] == 1 && pieces_.intercept[0] == 0;
}

std::string Activation::name() const { return shape_->name; }

double Activation::operator()(double s) const {
  const double t = gain_ * s;
  if (rectifier_) return std::max(t, 0.0);
  return smooth_ ? shape_->smooth->value(slope_, t) : pieces_(t);
}

void Activation::apply(double* s, long n) const {
  if (identity_ && gain_ == 1.0) return;
  for (long i = 0; i < n; ++i) s[i] = (*this)(s[i]);
}

double Activation::lipschitz() const {
  const double steepest = smooth_ ? shape_->smooth->lipschitz(slope_) : pieces_.steepest();
  return steepest == 1 ? gain_ : mul_up(gain_, steepest);
}

double Activation::infimum() const {
  if (smooth_) return shape_->smooth->infimum(slope_);
  return pieces_.slope[0] > 0 ? -infinity : pieces_.intercept[0];
}

double Activation::supremum() const {
  if (smooth_) return shape_->smooth->supremum(slope_);
  return pieces_.slope[2] > 0 ? infinity : pieces_.intercept[2];
}

double Activation::magnitude() const { return std::max(std::abs(infimum()), std::abs(supremum())); }

double Activation::modulus(double eta) const {
  if (eta == 0) return 0;
  if (smooth_ && shape_->smooth->modulus != nullptr) return shape_->smooth->modulus(slope_, gain_, eta);
  return std::min(mul_up(lipschitz(), eta), range());
}

bool Activation::operator==(const Activation& other) const {
  return shape_ == other.shape_ && gain_ == other.gain_ &&
         (slope_ == other.slope_ || (std::isnan(slope_) && std::isnan(other.slope_)));
}

std::vector<ActivationFacts> known_activations() {
  std::vector<ActivationFacts> known;
  for (const Shape& shape : shapes())
    known.push_back({shape.name, shape.default_slope, shape.smooth == nullptr,
                     shape.smooth == nullptr || shape.smooth->stationary.count == 0});
  return known;
}

}  // namespace withstand
