// SPDX-License-Identifier: MIT
#include "bounds/linear/halves.hpp"

#include <algorithm>
#include <cmath>

namespace withstand::bounds::linear {
namespace {

/// A pre-activation that bends its activation, and how much the bound loses there.
struct Bend {
  Index layer = 0, neuron = 0;
  bool intact = false;
  double lost = 0, weight = 0;
};

class Bends {
 public:
  Bends(const Network& net, const DecidedState& state) : net_(net), state_(state) {}

  void consider(Index l, Index i, bool intact, double coefficient, double s, double y) {
    const LayerRange& range = (intact ? state_.intact : state_.faulty)[at(l)];
    const Activation& phi = net_.activation(l, i);
    const double depth = std::min(-range.lower(i), range.upper(i));
    if (straight_slope(phi, entry(range, i)) >= 0 || !(depth > 1e-12)) return;
    const Bend bend{l, i, intact, coefficient * (y - phi(s)), std::abs(coefficient) * depth};
    if (bend.lost > most_.lost) most_ = bend;
    if (bend.weight > heaviest_.weight) heaviest_ = bend;
  }

  std::vector<Restriction::Piece> halves() const {
    const Bend& bend = most_.lost > 1e-9 * heaviest_.weight ? most_ : heaviest_;
    if (bend.layer == 0) return {};
    const LayerRange& range = (bend.intact ? state_.intact : state_.faulty)[at(bend.layer)];
    return {{bend.layer, bend.neuron, range.lower(bend.neuron), 0, bend.intact},
            {bend.layer, bend.neuron, 0, range.upper(bend.neuron), bend.intact}};
  }

 private:
  const Network& net_;
  const DecidedState& state_;
  Bend most_, heaviest_;
};

}  // namespace

std::vector<Restriction::Piece> halves(const Network& net, const Restriction& restriction, const DecidedState& state,
                                       const Multiplied& row) {
  Bends bends(net, state);
  const Vector *alpha = &row.alpha, *beta = &row.beta;
  Vector a, b;
  for (Index l = row.top - 1; l > 0; --l) {
    hand_down(net.map(l + 1), *alpha, a);
    hand_down(net.map(l + 1), *beta, b);
    const Multiplied::Layer& mixed = row.layers[at(l)];
    for (Index i = 0; i < a.size(); ++i) {
      const LayerRange& deviation = state.deviation[at(l)];
      const bool same = deviation.lower(i) == 0 && deviation.upper(i) == 0;
      const bool fails = std::any_of(restriction.failed.begin(), restriction.failed.end(), [&](const auto& failed) {
        return failed.site.layer == l && failed.site.to == i;
      });
      // a δ + b y = a ŷ + (b - a) y
      bends.consider(l, i, true, same || fails ? b(i) : b(i) - a(i), mixed.s(i), mixed.y(i));
      if (!same && !fails)
        bends.consider(l, i, false, a(i), mixed.s(i) + mixed.eta(i), mixed.y(i) + mixed.delta(i));
    }
    alpha = &mixed.alpha, beta = &mixed.beta;
  }
  return bends.halves();
}

}  // namespace withstand::bounds::linear
