// SPDX-License-Identifier: MIT
// Every affine map equals its dense matrix, whatever is asked of it.
#include <cmath>
#include <memory>
#include <stdexcept>

#include "law.hpp"
#include "withstand/forward.hpp"

using namespace withstand;
using law::random;

namespace {

/// What a map that gives nothing but its terms can do.
class Sparse final : public Affine {
 public:
  explicit Sparse(Matrix weights) : Affine(weights.rows(), weights.cols()), weights_(std::move(weights)) {}
  const char* name() const override { return "sparse"; }
  void terms_of_row(Index j, Terms& terms) const override {
    terms.clear();
    for (Index i = 0; i < cols(); ++i)
      if (weights_(j, i) != 0) terms.add(i, weights_(j, i));
    terms.show();
  }
  void terms_of_column(Index i, Terms& terms) const override {
    terms.clear();
    for (Index j = 0; j < rows(); ++j)
      if (weights_(j, i) != 0) terms.add(j, weights_(j, i));
    terms.show();
  }
  double cost() const override { return static_cast<double>(weights_.size()); }
  double bytes() const override { return 8 * cost(); }

 private:
  Matrix weights_;
};

/// A network of maps transmits what its dense twin does, whatever fails, up to the order of sums; from its own trace it
/// transmits bit by bit what it does from the start. What needs matrices says so.
void check_network(const std::shared_ptr<const Affine>& map, const Matrix& w) {
  const Matrix last = random(2, w.rows());
  const std::vector<Vector> biases{random(w.rows(), 1), random(2, 1)};
  const std::vector<Activation> activations{Activation("relu"), Activation("identity")};
  const Network net({map, std::make_shared<Dense>(last)}, biases, activations), twin({w, last}, biases, activations);
  const Vector x = random(w.cols(), 1);
  for (Index i = 0; i < w.cols(); ++i) {
    const std::vector<Forced> failed{{{1, 0, i}, 0.25}};
    CHECK(law::near(forward(net, x, failed), forward(twin, x, failed)));
    CHECK(forward(net, trace(net, x), failed) == forward(net, x, failed));
  }
  CHECK(net == twin && &Network(net).map(1) == map.get());
  CHECK(&net.dense(2) == net.map(2).matrix());
  if (map->matrix() != nullptr) return;
  const std::string refused = message_of<std::invalid_argument>([&] { net.dense(1); });
  CHECK(refused.find("layer 1") == 0 && refused.find(map->name()) != std::string::npos);
}

}  // namespace

int main() {
  for (const auto& [rows, cols] : {std::pair<Index, Index>{1, 1}, {3, 1}, {1, 5}, {13, 18}, {40, 33}, {300, 260}}) {
    Matrix w = random(rows, cols);
    law::check(Dense(w), w);
    check_network(std::make_shared<Dense>(w), w);
    for (double& entry : w.reshaped())
      if (entry < 0.5) entry = entry < -0.5 ? std::nearbyint(8 * entry) / 8 : 0;
    law::check(Dense(w), w);
    law::check(Sparse(w), w);
    law::check_synapses(Sparse(w), w);
    law::check_synapses(Dense(w), Matrix::Ones(rows, cols));
    check_network(std::make_shared<Sparse>(w), w);
  }
  const Matrix zeros = Matrix::Zero(4, 3);
  law::check(Sparse(zeros), zeros);
}
