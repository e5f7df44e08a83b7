// SPDX-License-Identifier: MIT
#include "withstand/harm.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "evaluate/objectives.hpp"
#include "withstand/forward.hpp"

namespace withstand {

Harm::Harm(const Network& net, ConstVectorRef input, Goal goal)
    : goal_(goal), psi_(net.activation(net.layers())), nominal_(forward(net, input)) {
  linear_ = psi_.identity() && psi_.gain() == 1.0;
  const Index m = net.outputs();
  if (goal == Goal::argmax && m < 2) throw std::invalid_argument("a class needs at least 2 outputs, the network has 1");
  nominal_.maxCoeff(&class_);
  if (goal == Goal::error) {
    rows_ = error_rows(m);
  } else {
    std::vector<std::pair<Index, Index>> leads;
    for (Index j = 0; j < m; ++j)
      if (j != class_) leads.emplace_back(j, class_);
    rows_ = lead_rows(leads, m);
  }
}

double Harm::at(const double* values, Index output) const {
  return goal_ == Goal::error ? std::abs(values[output] - nominal_(output)) : values[output] - values[class_];
}

Index Harm::worst(const Vector& outputs) const {
  Index best = goal_ == Goal::argmax && class_ == 0 ? 1 : 0;
  for (Index k = best + 1; k < outputs.size(); ++k)
    if (!(goal_ == Goal::argmax && k == class_) && at(outputs.data(), k) > at(outputs.data(), best)) best = k;
  return best;
}

Replay replay(const Network& net, ConstVectorRef input, const std::vector<Forced>& forced, Goal goal) {
  const Harm harm(net, input, goal);
  const Vector outputs = forward(net, input, forced);
  return {harm(outputs), harm.worst(outputs)};
}

double Harm::of_pre(const double* z) const {
  double worst = -std::numeric_limits<double>::infinity();
  const double kept = goal_ == Goal::argmax ? psi_(z[class_]) : 0;
  for (Index k = 0; k < nominal_.size(); ++k) {
    const double value = linear_ ? z[k] : psi_(z[k]);
    if (goal_ == Goal::error)
      worst = std::max(worst, std::abs(value - nominal_(k)));
    else if (k != class_)
      worst = std::max(worst, value - kept);
  }
  return worst;
}

double Harm::gauge(Index objective, double t) const {
  if (goal_ == Goal::argmax) return t;
  const Index m = nominal_.size();
  return objective < m ? psi_(t) - nominal_(objective) : nominal_(objective - m) - psi_(-t);
}

}  // namespace withstand
