// SPDX-License-Identifier: MIT
// Every activation is a row here. docs/adding-an-activation.md says what else a new one needs.
#include <stdexcept>

#include "activation/shape.hpp"

namespace withstand {

extern const Smooth logistic, tanh_shape, elu, softplus, selu, silu, softsign, gelu, gelu_tanh, hard_swish;

namespace {

constexpr double no_slope = std::numeric_limits<double>::quiet_NaN();

/// Piecewise linear: corners, slopes, value at 0; or the least value, the largest, the slope between, the value at 0.
const std::vector<Shape> table{
    {"logistic", no_slope, nullptr, &logistic, 0, true},
    {"tanh", no_slope, nullptr, &tanh_shape, 1},
    {"relu", no_slope, [](double) { return Pieces({0}, {0, 1}, 0); }, nullptr, 2},
    {"leaky_relu", 0.01, [](double a) { return Pieces({0}, {a, 1}, 0); }, nullptr, 3},
    {"hard_tanh", no_slope, [](double) { return Pieces::clamped(-1, 1, 1, 0); }, nullptr, 4},
    {"clip", no_slope, [](double) { return Pieces::clamped(0, 1, 1, 0.5); }, nullptr, 5},
    {"elu", 1.0, nullptr, &elu, 6},
    {"softplus", no_slope, nullptr, &softplus, 7},
    {"relu6", no_slope, [](double) { return Pieces::clamped(0, 6, 1, 0); }, nullptr},
    {"selu", no_slope, nullptr, &selu},
    {"silu", no_slope, nullptr, &silu},
    {"softsign", no_slope, nullptr, &softsign},
    {"hard_sigmoid", no_slope, [](double) { return Pieces::clamped(0, 1, 1.0 / 6, 0.5); }, nullptr},
    {"gelu", no_slope, nullptr, &gelu},
    {"gelu_tanh", no_slope, nullptr, &gelu_tanh},
    {"hard_swish", no_slope, nullptr, &hard_swish},
    {"identity", no_slope, [](double) { return Pieces({}, {1}, 0); }, nullptr, 8},
};

}  // namespace

const std::vector<Shape>& shapes() { return table; }

const Shape& shape_named(const std::string& name) {
  for (const Shape& shape : table)
    if (name == shape.name) return shape;
  std::string message = "unknown activation '" + name + "'; known are";
  for (const Shape& shape : table) message += std::string(" ") + shape.name;
  throw std::invalid_argument(message);
}

}  // namespace withstand
