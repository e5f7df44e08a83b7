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

/// Memory of matrices is allocated on one side of a call and given back on the other. How Eigen does that depends on the
/// instruction set and on sanitizers: a program that is compiled otherwise than the library would corrupt its heap. It is
/// refused by the linker, which does not find this.
template <int alignment, int by_malloc>
struct CompiledLikeTheLibrary {
  static const bool holds;
};
extern template struct CompiledLikeTheLibrary<EIGEN_DEFAULT_ALIGN_BYTES, EIGEN_MALLOC_ALREADY_ALIGNED>;
inline const bool compiled_like_the_library =
    CompiledLikeTheLibrary<EIGEN_DEFAULT_ALIGN_BYTES, EIGEN_MALLOC_ALREADY_ALIGNED>::holds;

/// Componentwise lower <= upper, of one layer.
struct LayerRange {
  Vector lower, upper;
};

}  // namespace withstand
