// SPDX-License-Identifier: MIT
#include "evaluate/overflow.hpp"

#include <cmath>
#include <sstream>
#include <stdexcept>

#include "evaluate/ranges.hpp"
#include "failure/effects.hpp"

namespace withstand {
namespace {

/// The most that failures do to the values of one layer, whoever fails.
struct Raised {
  double forced = 0;    // what a neuron may transmit instead of its value
  double added = 0;     // and on top of it
  double signal = 0;    // what synapses add to the signals they carry, and
  double received = 0;  // to what a receiver sums up
  double raised = 0;    // what failed parameters deliver, in signals of size 1
};

Raised raised(const Space& space, Index layer) {
  Raised most;
  for (const Space::Term& term : space.terms()) {
    const auto count = static_cast<double>(term.grouped() ? 1 : term.most(layer));
    if (count == 0) continue;
    const Failure& failure = term.failure;
    const bool added = is_added(failure.effect);
    if (on_parameters(failure.effect)) {
      const Space::Term::Struck& struck = term.struck[static_cast<std::size_t>(layer)];
      most.raised += count * struck.value();  // of one parameter a receiver has one place at most
      continue;
    }
    const double free = added ? amount(failure, layer) : largest_sent(failure, layer);
    if (is_weighted(failure.effect)) most.signal += free;
    else if (on_synapses(failure.effect)) most.received += count * free;
    else if (added) most.added += free;
    else most.forced = std::max(most.forced, free);
  }
  return most;
}

[[noreturn]] void refuse(Index layer, const char* what, double value, double weight, double signal) {
  std::ostringstream message;
  message << "layer " << layer << ": " << what << " may reach " << value;
  if (layer > 0) message << " (weights up to " << weight << ", signals up to " << signal << ")";
  message << ", and beyond " << largest_value << " an execution might overflow; scale the network, its inputs or what "
          << "failures transmit down";
  throw std::overflow_error(message.str());
}

}  // namespace

void require_no_overflow(const Network& net, const Space& space, const Domain& domain) {
  const auto fits = [](double value) { return value <= largest_value; };  // false for what is not a number
  Vector signals = domain.lower.cwiseAbs().cwiseMax(domain.upper.cwiseAbs()).colwise().maxCoeff().transpose();
  for (Index l = 0; l <= net.layers(); ++l) {
    const Raised here = raised(space, l);
    const double weight = l > 0 ? net.map(l).facts().max : 0;
    const double largest = signals.maxCoeff() + here.signal;
    if (l > 0) {
      const Vector sums = largest_sums(net, l, (signals.array() + here.signal).matrix()).array() + here.received +
                          here.raised * std::max(largest, 1.0);
      for (Index j = 0; j < sums.size(); ++j)
        if (!fits(sums(j)) || !fits(net.activation(l, j).gain() * sums(j)))
          refuse(l, "a sum of products", sums(j), weight, largest);
      signals.resize(sums.size());
      for (Index j = 0; j < sums.size(); ++j) signals(j) = largest_image(net.activation(l, j), sums(j));
    }
    signals = signals.cwiseMax(here.forced).array() + here.added;
    for (Index i = 0; i < signals.size(); ++i)
      if (!fits(signals(i))) refuse(l, "a transmitted value", signals(i), weight, largest);
  }
}

}  // namespace withstand
