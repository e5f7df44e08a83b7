// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Core>
#include <cstdint>

namespace withstand {

using Index = Eigen::Index;
/// Row-major, so that a receiver's incoming weights are contiguous and NumPy arrays need no transposition.
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Vector = Eigen::VectorXd;
/// Numbers of neurons where there is one for every neuron: half the memory of Index.
using Indices = Eigen::Matrix<int, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstMatrixRef = Eigen::Ref<const Matrix>;
using ConstVectorRef = Eigen::Ref<const Vector>;

/// Componentwise lower <= upper, of one layer.
struct LayerRange {
  Vector lower, upper;
};

}  // namespace withstand
