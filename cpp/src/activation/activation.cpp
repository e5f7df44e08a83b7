// SPDX-License-Identifier: MIT
#include "withstand/activation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "core/rounding.hpp"

namespace withstand {
namespace {

using Kind = Activation::Kind;

constexpr std::array<std::pair<const char*, Kind>, 9> names{{{"logistic", Kind::logistic},
                                                             {"tanh", Kind::tanh},
                                                             {"relu", Kind::relu},
                                                             {"leaky_relu", Kind::leaky_relu},
                                                             {"hard_tanh", Kind::hard_tanh},
                                                             {"clip", Kind::clip},
                                                             {"elu", Kind::elu},
                                                             {"softplus", Kind::softplus},
                                                             {"identity", Kind::identity}}};

Kind parse(const std::string& name) {
  for (const auto& [known, kind] : names)
    if (name == known) return kind;
  std::string message = "unknown activation '" + name + "'; known are";
  for (const auto& [known, kind] : names) message += std::string(" ") + known;
  throw std::invalid_argument(message);
}

double default_slope(Kind kind) {
  if (kind == Kind::leaky_relu) return 0.01;
  if (kind == Kind::elu) return 1.0;
  return std::numeric_limits<double>::quiet_NaN();
}

double phi(Kind kind, double slope, double s) {
  switch (kind) {
    case Kind::logistic:  // the exponent is never positive: no overflow, and full relative accuracy on both sides
      return s >= 0 ? 1.0 / (1.0 + std::exp(-s)) : std::exp(s) / (1.0 + std::exp(s));
    case Kind::tanh: return std::tanh(s);
    case Kind::relu: return std::max(s, 0.0);
    case Kind::leaky_relu: return s >= 0 ? s : slope * s;
    case Kind::hard_tanh: return std::min(1.0, std::max(-1.0, s));
    case Kind::clip: return std::min(1.0, std::max(0.0, s + 0.5));
    case Kind::elu: return s >= 0 ? s : slope * std::expm1(s);
    case Kind::softplus: return std::max(s, 0.0) + std::log1p(std::exp(-std::abs(s)));
    case Kind::identity: return s;
  }
  return s;
}

/// Steepest below 0 where alpha > 1: the stretch of length t that begins at -min(t, log alpha) is the steepest.
double elu_modulus(double alpha, double t) {
  if (alpha <= 1) return t;
  constexpr double up = 1.0 + 16 * std::numeric_limits<double>::epsilon();
  const double below = std::log(alpha);
  return t <= below ? -alpha * std::expm1(-t) * up : (alpha - 1) * up + (t - below) + t * 4e-16;
}

}  // namespace

Activation::Activation(const std::string& name, double gain, double slope)
    : kind_(parse(name)), gain_(gain), slope_(std::isnan(slope) ? default_slope(kind_) : slope) {
  const bool sloped = kind_ == Kind::leaky_relu || kind_ == Kind::elu;
  std::ostringstream message;
  if (!(gain > 0) || std::isinf(gain))
    message << "activation " << name << ": gain must be positive and finite, got " << gain;
  else if (!sloped && !std::isnan(slope))
    message << "activation " << name << " has no slope, got " << slope;
  else if (sloped && (!(slope_ >= 0) || std::isinf(slope_)))
    message << "activation " << name << ": slope must be nonnegative and finite, got " << slope_;
  if (!message.str().empty()) throw std::invalid_argument(message.str());
}

std::string Activation::name() const { return names[static_cast<std::size_t>(kind_)].first; }

double Activation::operator()(double s) const { return phi(kind_, slope_, gain_ * s); }

void Activation::apply(double* s, long n) const {
  if (kind_ == Kind::identity && gain_ == 1.0) return;
  for (long i = 0; i < n; ++i) s[i] = (*this)(s[i]);
}

double Activation::lipschitz() const {
  switch (kind_) {
    case Kind::logistic: return gain_ / 4;
    case Kind::leaky_relu:
    case Kind::elu: return mul_up(gain_, std::max(1.0, slope_));
    default: return gain_;
  }
}

double Activation::infimum() const {
  switch (kind_) {
    case Kind::logistic:
    case Kind::relu:
    case Kind::clip:
    case Kind::softplus: return 0.0;
    case Kind::tanh:
    case Kind::hard_tanh: return -1.0;
    case Kind::elu: return slope_ == 0 ? 0.0 : -slope_;
    case Kind::leaky_relu: return slope_ == 0 ? 0.0 : -infinity;
    case Kind::identity: return -infinity;
  }
  return -infinity;
}

double Activation::supremum() const {
  switch (kind_) {
    case Kind::logistic:
    case Kind::tanh:
    case Kind::hard_tanh:
    case Kind::clip: return 1.0;
    default: return infinity;
  }
}

double Activation::magnitude() const { return std::max(std::abs(infimum()), std::abs(supremum())); }

double Activation::modulus(double eta) const {
  // Smooth cases: the steepest stretch of length eta is the one centred at 0; libm is good to well below 4 ulp, and
  // the tiny term covers results below the normal range.
  if (eta == 0) return 0;
  constexpr double up = 1.0 + 8 * std::numeric_limits<double>::epsilon();
  switch (kind_) {
    case Kind::logistic: return std::min(1.0, std::tanh(gain_ * eta / 4) * up + 1e-300);
    case Kind::tanh: return std::min(2.0, 2 * std::tanh(gain_ * eta / 2) * up + 1e-300);
    case Kind::elu: return std::min(mul_up(lipschitz(), eta), elu_modulus(slope_, mul_up(gain_, eta)));
    default: return std::min(mul_up(lipschitz(), eta), range());
  }
}

bool Activation::piecewise_linear() const {
  return kind_ != Kind::logistic && kind_ != Kind::tanh && kind_ != Kind::softplus && kind_ != Kind::elu;
}

bool Activation::operator==(const Activation& other) const {
  return kind_ == other.kind_ && gain_ == other.gain_ &&
         (slope_ == other.slope_ || (std::isnan(slope_) && std::isnan(other.slope_)));
}

}  // namespace withstand
