// SPDX-License-Identifier: MIT
#include "gate.hpp"

#include <cmath>
#include <sstream>
#include <stdexcept>

#include "withstand/bound.hpp"
#include "withstand/forward.hpp"
#include "withstand/search.hpp"

namespace {

using namespace withstand;

/// Neurons as the Python package names them: (layer, neuron), layers from 1.
std::string named(const std::vector<Forced>& failed) {
  std::ostringstream out;
  for (const Forced& one : failed) out << (out.tellp() > 0 ? ", " : "") << "(" << one.site.layer << ", " << one.site.to << ")";
  return out.str();
}

/// What the witness does when it is executed: evidence that needs no trust in the search.
double replayed(const Network& network, const Witness& witness) {
  const Vector intact = forward(network, witness.input), failed = forward(network, witness.input, witness.failed);
  return (failed - intact).cwiseAbs().maxCoeff();
}

Decision searched(const Network& network, const Space& space, const Domain& domain, const Demand& demand) {
  SearchOptions options;
  options.time_limit = demand.seconds;
  const SearchResult found = worst_case(network, space, domain, options);
  std::ostringstream reason;
  reason.precision(6);
  if (found.upper <= demand.epsilon) {
    reason << "worst case proved: at most " << found.upper;
    return {Verdict::tolerated, reason.str()};
  }
  if (found.witness && replayed(network, *found.witness) > demand.epsilon) {
    reason << "witness: neurons " << named(found.witness->failed) << " crash at input " << found.witness->input_index
           << ", error " << replayed(network, *found.witness);
    return {Verdict::violated, reason.str()};
  }
  reason << "the worst case lies between " << found.lower << " and " << found.upper;
  return {Verdict::unknown, reason.str()};
}

}  // namespace

Decision decide(const Network& network, const Matrix& inputs, const Demand& demand) {
  if (!(demand.epsilon >= 0)) throw std::invalid_argument("epsilon must be at least 0");
  if (inputs.cols() != network.inputs())
    throw std::invalid_argument("inputs have " + std::to_string(inputs.cols()) + " columns, the network takes " +
                                std::to_string(network.inputs()));
  Failure crash;
  crash.counts = {demand.crashes};
  const Space space(network, {crash});
  const Domain domain = Domain::points(inputs);
  const double proved = bound(network, space, domain, Method::tightest).values.maxCoeff();
  if (!(proved <= demand.epsilon)) return searched(network, space, domain, demand);
  std::ostringstream reason;
  reason << "bound: at most " << proved;
  return {Verdict::tolerated, reason.str()};
}
