// SPDX-License-Identifier: MIT
#include "withstand/network.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <stdexcept>

#include "core/rounding.hpp"

namespace withstand {
namespace {

template <class... Parts>
void require(bool holds, const Parts&... parts) {
  if (holds) return;
  std::ostringstream message;
  (message << ... << parts);
  throw std::invalid_argument(message.str());
}

void check_layer(std::size_t l, const Matrix& weight, const Vector& bias, Index expected_columns) {
  require(weight.rows() > 0 && weight.cols() > 0, "layer ", l, ": weights have shape (", weight.rows(), ", ",
          weight.cols(), "), every layer needs at least one neuron");
  require(weight.cols() == expected_columns, "layer ", l, ": weights have ", weight.cols(), " columns, layer ", l - 1,
          " has ", expected_columns, " neurons");
  require(bias.size() == weight.rows(), "layer ", l, ": ", bias.size(), " biases for ", weight.rows(), " neurons");
  for (Index j = 0; j < weight.rows(); ++j) {
    for (Index i = 0; i < weight.cols(); ++i)
      require(std::isfinite(weight(j, i)), "layer ", l, ": weight (", j, ", ", i, ") is ", weight(j, i),
              ", weights must be finite");
    require(std::isfinite(bias(j)), "layer ", l, ": bias ", j, " is ", bias(j), ", biases must be finite");
  }
}

WeightFacts facts_of(const Matrix& weight, const Vector& bias) {
  WeightFacts facts;
  // A sum of n rounded terms, and a square root on top, are low by less than (n + 4) units in the last place.
  const double up = 1 + 2 * static_cast<double>(weight.cols() + 4) * unit_roundoff;
  facts.row_max = weight.cwiseAbs().rowwise().maxCoeff();
  facts.row_sum = weight.cwiseAbs().rowwise().sum() * up;
  facts.row_norm = weight.rowwise().stableNorm() * up;
  facts.row_norm = facts.row_norm.cwiseMax(facts.row_max);  // results below the normal range
  facts.max = facts.row_max.maxCoeff();
  facts.grid = grid(weight.data(), weight.size());
  facts.bias_grid = grid(bias.data(), bias.size());
  return facts;
}

}  // namespace

Network::Network(std::vector<Matrix> weights, std::vector<Vector> biases, std::vector<Activation> activations)
    : weights_(std::move(weights)), biases_(std::move(biases)), activations_(std::move(activations)) {
  require(!weights_.empty(), "a network needs at least one hidden layer and an output layer, got no weights");
  require(weights_.size() >= 2, "a network needs at least one hidden layer, got the output layer alone");
  require(biases_.size() == weights_.size(), biases_.size(), " bias vectors for ", weights_.size(), " layers");
  require(activations_.size() == weights_.size(), activations_.size(), " activations for ", weights_.size(), " layers");
  for (std::size_t k = 0; k < weights_.size(); ++k)
    check_layer(k + 1, weights_[k], biases_[k], k == 0 ? weights_[0].cols() : weights_[k - 1].rows());
  for (const Matrix& weight : weights_) transposed_.emplace_back(weight.transpose());
  for (std::size_t k = 0; k < weights_.size(); ++k) facts_.push_back(facts_of(weights_[k], biases_[k]));
}

Index Network::neurons() const {
  Index total = 0;
  for (Index l = 1; l <= depth(); ++l) total += width(l);
  return total;
}

Index Network::widest() const {
  Index widest = inputs();
  for (Index l = 1; l <= layers(); ++l) widest = std::max(widest, width(l));
  return widest;
}

bool Network::operator==(const Network& other) const {
  if (weights_.size() != other.weights_.size() || activations_ != other.activations_) return false;
  for (std::size_t k = 0; k < weights_.size(); ++k) {
    if (weights_[k].rows() != other.weights_[k].rows() || weights_[k].cols() != other.weights_[k].cols()) return false;
    if (weights_[k] != other.weights_[k] || biases_[k] != other.biases_[k]) return false;
  }
  return true;
}

}  // namespace withstand
