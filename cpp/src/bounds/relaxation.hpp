// SPDX-License-Identifier: MIT
#pragma once

#include <utility>
#include <vector>

#include "bounds/lines.hpp"
#include "withstand/linear.hpp"

// What the linear bound knows of each layer. "Signal" is what a neuron hands on, "carrier" is the pre-activation it is a
// function of. Both are deviations from the intact network at the same input (difference form) or the failed network's
// values themselves (value form); the substitution does not care which.
namespace withstand::relaxed {

constexpr double epsilon = 2.220446049250313e-16;  // 2 u: one rounding errs by at most half of it, relatively

/// One operation's rounding error added outward; what is 0 stays 0.
inline double up(double x) { return x + epsilon * (x < 0 ? -x : x); }
inline double down(double x) { return x - epsilon * (x < 0 ? -x : x); }

/// What one component adds when it fails, for a coefficient a on its signal: max(a, 0) positive + max(-a, 0) negative.
struct Rates {
  Vector positive, negative;
};

/// Components of one layer that one term may still fail, and their columns in the table of gains.
struct Segment {
  std::size_t term = 0;
  Index layer = 0, first = 0, width = 0;
  std::vector<char> open;  ///< which of them may fail
  Rates rates;             ///< against the lines
  Rates flat;              ///< against the constants
};

/// Columns of the table that draw on one count.
struct Pool {
  std::size_t term = 0;
  Index budget = 0;
  bool exactly = false;
  std::vector<std::pair<Index, std::size_t>> segments;  ///< (layer, index in it), adjacent, in the order of layers
};

/// Signals z of a layer, for every input and every pattern that is allowed, while their neuron does not fail:
/// lower_slope c + lower_offset <= z <= upper_slope c + upper_offset for every carrier c in its range.
struct Layer {
  bool carried = false;        ///< carriers are not all the constant 0 (in the difference form)
  bool live = false;           ///< signals are not all 0
  Vector upper_slope, upper_offset, lower_slope, lower_offset;
  Vector upper_floor, lower_ceiling;  ///< least value of the upper line, largest of the lower one
  LayerRange signal;                ///< of z while the neuron does not fail
  Vector magnitude;            ///< max |z|, failures included
  Vector rounding;             ///< scale of what one rounding in a coefficient of the carrier costs: |W| magnitude + ...
  std::vector<Segment> segments;
};

/// [v - y] for a transmitted value v, or the added value itself.
Interval failed_deviation(Effect effect, Interval sent, Interval nominal);

/// LinearRanges of the intact network, pre[l] and post[l] (post[0] is the domain), rounded outward.
void nominal_ranges(const Network& net, ConstVectorRef lower, ConstVectorRef upper, std::vector<LayerRange>& pre,
                    std::vector<LayerRange>& post);

/// What is known of one receiver in the difference form.
struct Receiver {
  Interval pre, post;   ///< nominal
  Interval deviation;   ///< of the carrier
  Interval faulty;      ///< pre-activation of the failed network
};

/// Lines and range of one neuron's deviation. `point`: the nominal ranges are a number up to rounding.
struct Response {
  Line lower, upper;
  Interval signal;
};
Response difference_response(const Activation& phi, const Receiver& receiver, bool point);

}  // namespace withstand::relaxed
