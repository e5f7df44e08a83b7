// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "withstand/domain.hpp"
#include "withstand/harm.hpp"
#include "withstand/network.hpp"
#include "withstand/space.hpp"

namespace withstand {

/// The ways to bound the output error; docs/theory.md states and proves each.
enum class Method {
  fep,       ///< Theorem A: the paper's Forward Error Propagation
  at_most,   ///< Theorem B
  capped,    ///< Theorem B (or A), with the activations' ranges and moduli of continuity
  matrix,    ///< the recursion per neuron, with |W| and a selection per receiver
  signed_,   ///< intervals of the deviation, with local slopes
  adjoint,   ///< one backward pass with one common set of failures per layer
  linear,    ///< linear relaxation with failure masks
  split,     ///< the first failures tried, set by set, the rest bounded by `linear`
  tightest   ///< the least of all that apply
};

/// What a method takes and covers.
struct MethodFacts {
  Method method;
  const char* name;
  const char* theory;     ///< section of docs/theory.md that states and proves it
  const char* reference;  ///< what it is, in a line
  bool needs_domain;
  bool equivocal;  ///< covers failed neurons that tell every successor another value
  bool synapses;   ///< covers synapse failures
  bool parts;      ///< covers groups, bit flips and failed parameters
  bool intervals;  ///< covers boxes of inputs, and failed neurons that may send any value of an interval
  bool exactly;    ///< heeds that exactly so many fail; else it bounds what fewer do as well
  /// When a search asks it: methods of turn 1 by their costs, then the others, which seldom know more. 0: a search does
  /// not, nor does `tightest`, for it refuses some spaces, or asks others itself.
  int turn;
  double (*cost)(const Network& network, const Space& space);  ///< multiply-adds for one row, an order of magnitude
};

/// All methods.
std::vector<MethodFacts> methods();

/// Whether a method covers these failures at these inputs: whether they are of parts, and of points where it needs points. It
/// knows no network, and neither asks about equivocal failures nor about `synapses`. `bound` may still throw: `Method::fep`
/// takes at-most spaces only where a failure does at least as much as the activation's range, which is the network's.
bool applies(const MethodFacts& method, const Space& space, const Domain& domain);

const char* name(Method method);
/// Throws std::invalid_argument for an unknown name.
Method method_named(const std::string& name);

/// Upper bounds for every row of a domain (one row where there is none).
struct Bounds {
  Matrix values;         ///< n x m: per output, the error; for Goal::argmax, the harm that output j does as the new class
  Method method;
  bool exactly = false;  ///< speaks of exactly the counted failures, where the space does; else of at most so many
  bool relaxed = false;  ///< a total count was bounded by what each layer can hold, not by one common budget
  double slack = 0;      ///< what two float evaluations may differ by beyond the bound, from their own rounding
};

/// Bound the output error of `network` under every failure pattern of `space`, for every input of every row of
/// `domain`; without one, for all inputs. Every number is an upper bound in floating point too.
/// Throws std::invalid_argument where the method does not apply, with the condition that is violated.
Bounds bound(const Network& network, const Space& space, const std::optional<Domain>& domain, Method method,
             Goal goal = Goal::error, int threads = 0);

/// Delta_1, ..., Delta_L: how far off a failed neuron of each hidden layer may be from its fault-free value, for any
/// model of the space and any row of the domain. Throws std::invalid_argument for synapse failures and noise.
std::vector<double> layer_effects(const Network& network, const Space& space, const std::optional<Domain>& domain);

}  // namespace withstand
