// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "search/incumbent.hpp"
#include "withstand/restriction.hpp"

namespace withstand::search {

/// Failures whose values are free, made concrete: every failed component has a parameter (what it transmits or adds,
/// Restriction::Failed says which), and every noisy neuron has one.
class Execution {
 public:
  Execution(const Network& network, const Space& space, Goal goal) : net_(network), space_(space), goal_(goal) {}

  /// The components of a restriction that have a parameter, noise included, and the parameters' ranges.
  std::vector<Restriction::Failed> components(const Restriction& restriction) const;

  struct Point {
    Vector input;
    std::vector<double> parameters;  ///< as many as components
  };
  /// The components as they fail there, those with ways to fail by the first that they have.
  std::vector<Failed> failed(const std::vector<Restriction::Failed>& components, const Point& point) const;
  /// What the components transmit there, those with ways to fail by the first that they have.
  std::vector<Forced> forced(const std::vector<Restriction::Failed>& components, const Point& point) const;
  /// Harm by the canonical evaluation.
  double harm(const std::vector<Restriction::Failed>& components, const Point& point) const;

  /// All parameters and inputs in the middle of their ranges.
  Point middle(const std::vector<Restriction::Failed>& components, const Vector& lower, const Vector& upper) const;
  /// Search for a point of much harm: ends of the ranges, coordinate by coordinate, from the middle on. A lower bound is
  /// all that is claimed of it. Where the work is to end it returns what it has.
  Point climb(const std::vector<Restriction::Failed>& components, const Vector& lower, const Vector& upper,
              int rounds) const;
  /// How much the harm changes between the ends of each coordinate (inputs, then parameters), and bends along inputs, all
  /// others in the middle.
  Vector sensitivity(const std::vector<Restriction::Failed>& components, const Vector& lower,
                     const Vector& upper) const;

 private:
  const Network& net_;
  const Space& space_;
  Goal goal_;
};

}  // namespace withstand::search
