// SPDX-License-Identifier: MIT
#include "withstand/network.hpp"

#include <algorithm>
#include <cmath>

#include "core/require.hpp"
#include "core/rounding.hpp"

namespace withstand {
namespace {

void check_shape(std::size_t l, Index rows, Index columns) {
  require(rows > 0 && columns > 0, "layer ", l, ": weights have shape (", rows, ", ", columns,
          "), every layer needs at least one neuron");
}

void check_layer(std::size_t l, const Affine& map, const Bias& bias, Index width, Index expected_columns) {
  require(map.cols() == expected_columns, "layer ", l, ": weights have ", map.cols(), " columns, layer ", l - 1,
          " has ", expected_columns, " neurons");
  require(width == map.rows(), "layer ", l, ": ", bias.size, " biases for ", map.rows(), " neurons");
  if (map.plainly_finite() && bias.values.allFinite()) return;
  Terms terms;
  for (Index j = 0; j < map.rows(); ++j) {
    map.terms_of_row(j, terms);
    for (Index t = 0; t < terms.size; ++t)
      require(std::isfinite(terms.weight[t]), "layer ", l, ": weight (", j, ", ",
              terms.from == nullptr ? t : terms.from[t], ") is ", terms.weight[t], ", weights must be finite");
    require(j >= bias.size || std::isfinite(bias(j)), "layer ", l, ": bias ", j, " is ", j < bias.size ? bias(j) : 0,
            ", biases must be finite");
  }
}

std::vector<std::shared_ptr<const Affine>> dense_maps(std::vector<Matrix> weights) {
  std::vector<std::shared_ptr<const Affine>> maps;
  for (Matrix& weight : weights) {
    check_shape(maps.size() + 1, weight.rows(), weight.cols());
    maps.push_back(std::make_shared<const Dense>(std::move(weight)));
  }
  return maps;
}

}  // namespace

Network::Network(std::vector<Matrix> weights, std::vector<Vector> biases, std::vector<Activation> activations)
    : Network(dense_maps(std::move(weights)), std::move(biases), std::move(activations)) {}

Network::Network(std::vector<std::shared_ptr<const Affine>> maps, std::vector<Vector> biases,
                 std::vector<Activation> activations)
    : maps_(std::move(maps)), activations_(std::move(activations)) {
  for (Vector& bias : biases) {
    const Index size = bias.size();
    biases_.push_back(std::make_shared<const Biases>(std::move(bias), size));
  }
  require(!maps_.empty(), "a network needs at least one hidden layer and an output layer, got no weights");
  require(maps_.size() >= 2, "a network needs at least one hidden layer, got the output layer alone");
  require(biases_.size() == maps_.size(), biases_.size(), " bias vectors for ", maps_.size(), " layers");
  require(activations_.size() == maps_.size(), activations_.size(), " activations for ", maps_.size(), " layers");
  check();
  for (std::size_t l = 1; l <= maps_.size(); ++l) {
    own_.push_back(maps_[l - 1]->rows());
    may_fail_.push_back(true);
    reads_.push_back({{static_cast<Index>(l) - 1, maps_[l - 1]}});
  }
  for (std::size_t l = 0; l <= maps_.size(); ++l) {
    offsets_.emplace_back(maps_.size() + 1, Index{-1});
    offsets_[l][l] = 0;
  }
}

Network::Network(Index inputs, const std::vector<Layer>& layers) {
  require(inputs > 0, "a network needs inputs, got ", inputs);
  require(layers.size() >= 2, "a network needs at least one hidden layer and an output layer, got ", layers.size(),
          " layers");
  lower(inputs, layers);
  check();
}

/// Checked, and what is known of its biases.
void Network::check() {
  for (std::size_t k = 0; k < maps_.size(); ++k) {
    require(maps_[k] != nullptr, "layer ", k + 1, " has no weights");
    check_shape(k + 1, maps_[k]->rows(), maps_[k]->cols());
    check_layer(k + 1, *maps_[k], biases_[k]->own(), biases_[k]->width(), k == 0 ? maps_[0]->cols() : maps_[k - 1]->rows());
    const Vector& values = biases_[k]->own().values;
    bias_grids_.push_back(grid(values.data(), values.size()));
  }
}

bool Network::is_dense() const {
  return !graph_ && std::all_of(maps_.begin(), maps_.end(), [](const auto& map) { return map->matrix() != nullptr; });
}

double Network::bytes() const {
  double sum = 0;
  for (const auto& map : maps_) sum += map->bytes();
  for (const auto& bias : biases_) sum += 8 * static_cast<double>(bias->own().values.size());
  return sum;
}

double Network::cost() const {
  double sum = 0;
  for (const auto& map : maps_) sum += map->cost();
  return sum;
}

Vector Network::sent_squares(Index layer) const {
  Vector sums = Vector::Zero(map(layer).cols());
  Terms terms;
  for (Index j = 0; j < own(layer); ++j) {
    map(layer).terms_of_row(j, terms);
    for (Index t = 0; t < terms.size; ++t) sums(terms.sender(t)) += terms.weight[t] * terms.weight[t];
  }
  return sums;
}

Index Network::synapses() const {
  Index total = 0;
  std::vector<Index> senders;
  for (Index l = 1; l <= layers(); ++l) {
    if (const Matrix* const weights = map(l).matrix(); weights != nullptr && may_fail(l)) {
      total += weights->size();
      continue;
    }
    for (Index j = 0; j < failing(l); ++j) {
      map(l).synapses_of_row(j, senders);
      total += static_cast<Index>(senders.size());
    }
  }
  return total;
}

const Matrix& Network::dense(Index layer) const {
  const Matrix* const weights = map(layer).matrix();
  require(weights != nullptr, "layer ", layer, ": this question is not answered for ", map(layer).name(),
          " layers, only for dense ones");
  return *weights;
}

Index Network::neurons() const {
  Index total = 0;
  for (Index l = 1; l <= depth(); ++l) total += failing(l);
  return total;
}

Index Network::widest() const {
  Index widest = inputs();
  for (Index l = 1; l <= layers(); ++l) widest = std::max(widest, width(l));
  return widest;
}

bool Network::operator==(const Network& other) const {
  if (maps_.size() != other.maps_.size() || activations_ != other.activations_) return false;
  if (own_ != other.own_ || may_fail_ != other.may_fail_) return false;
  for (std::size_t k = 0; k < maps_.size(); ++k) {
    if (maps_[k] != other.maps_[k] && !(*maps_[k] == *other.maps_[k])) return false;
    if (biases_[k] != other.biases_[k] && biases_[k]->all() != other.biases_[k]->all()) return false;
  }
  return true;
}

}  // namespace withstand
