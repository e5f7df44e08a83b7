// SPDX-License-Identifier: MIT
#include "withstand/forward.hpp"

#include <algorithm>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "core/require.hpp"

namespace withstand {
namespace {

/// Four interleaved partial sums: a fixed order that every compiler and instruction set keeps.
double dot(const Terms& terms, const double* b) {
  const double* a = terms.weight;
  const Index n = terms.size;
  using Lanes = Eigen::Array4d;
  Lanes sum = Lanes::Zero();
  Index i = 0;
  for (; i + 4 <= n; i += 4) sum += Eigen::Map<const Lanes>(a + i) * Eigen::Map<const Lanes>(b + i);
  for (int lane = 0; i < n; ++i, ++lane) sum[lane] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// Where only some senders have a weight: one after the other (see Affine::add_in_order).
double sparse_dot(const Terms& terms, const double* b) {
  double sum = 0;
  for (Index t = 0; t < terms.size; ++t) sum += terms.weight[t] * b[terms.from[t]];
  return sum;
}

void check(const Network& net, const Forced& forced) {
  const Site& site = forced.site;
  const bool exists = site.layer >= (site.is_synapse() ? 1 : 0) &&
                      site.layer <= (site.is_synapse() ? net.layers() : net.depth()) && site.to >= 0 &&
                      site.to < net.own(site.layer) &&
                      (!site.is_synapse() || site.from == Site::one || site.from < net.width(site.layer - 1)) &&
                      !site.is_parameter();
  if (exists) return;
  require(!site.is_parameter(), "the failed component of layer ", site.layer, " is a stored parameter, which several neurons ",
          "may hear: forced_by(net, space, input, failed) says what they receive");
  std::ostringstream message;
  message << "failed component (" << site.layer << ", " << site.to;
  if (site.is_synapse()) message << ", " << site.from;
  message << ") does not exist: layers have widths";
  for (Index l = 0; l <= net.layers(); ++l) message << " " << net.own(l);
  message << " and outputs never fail";
  throw std::invalid_argument(message.str());
}

void check(const Network& net, const std::vector<Forced>& forced) {
  for (std::size_t n = 0; n < forced.size(); ++n) {
    check(net, forced[n]);
    if (n > 0 && !(forced[n - 1].site < forced[n].site))
      throw std::invalid_argument("failed components must be sorted, none of them twice");
  }
}

using Cursor = std::vector<Forced>::const_iterator;

/// s_j of layer l: the failed synapses of receiver j contribute their value instead of weight * signal.
double receive(const Network& net, Index l, Index j, const Vector& signals, Cursor synapse, Cursor end, Terms& terms) {
  net.map(l).terms_of_row(j, terms);
  const auto product = terms.from == nullptr ? &dot : &sparse_dot;
  if (synapse == end) return product(terms, signals.data()) + net.bias(l)(j);
  Vector masked = signals;  // the products of failed synapses are left out of the sum, their values added behind it
  for (Cursor f = synapse; f != end; ++f)
    if (f->site.from != Site::one) masked(f->site.from) = 0;
  double sum = product(terms, masked.data());
  for (Cursor f = synapse; f != end; ++f) sum += f->value;  // a bias that is replaced sorts last
  return std::prev(end)->site.from == Site::one ? sum : sum + net.bias(l)(j);
}

/// One layer, with the failures from `next` on that are in it; `next` moves behind them.
void run_layer(const Network& net, Index l, const Vector& signals, Cursor& next, Cursor end, Vector& pre, Vector& post) {
  const bool few = net.map(l).matrix() == nullptr;
  if (few) {  // all sums at once; those that failed synapses deliver to are made again
    pre.setZero(net.width(l));
    net.map(l).add_in_order(signals.data(), pre.data());
  }
  pre.resize(net.width(l));
  post.resize(net.width(l));
  Terms terms;
  for (Index j = 0; j < net.width(l); ++j) {
    const bool here = next != end && next->site.layer == l && next->site.to == j;
    const bool neuron = here && !next->site.is_synapse();  // from = -1 sorts before every synapse of the neuron
    const double value = neuron ? next->value : 0;
    if (neuron) ++next;
    const Cursor first = next;
    while (next != end && next->site.layer == l && next->site.to == j) ++next;
    if (few && first == next) pre(j) += net.bias(l)(j);
    else pre(j) = receive(net, l, j, signals, first, next, terms);
    post(j) = neuron ? value : net.activation(l, j)(pre(j));
  }
}

}  // namespace

Trace trace(const Network& net, ConstVectorRef input, const std::vector<Forced>& forced) {
  require(input.size() == net.inputs(), "the input has ", input.size(), " entries, the network takes ", net.inputs());
  check(net, forced);
  Trace result;
  result.pre.resize(static_cast<std::size_t>(net.layers()) + 1);
  result.post.resize(static_cast<std::size_t>(net.layers()) + 1);
  result.post[0] = input;
  Cursor next = forced.begin();
  for (; next != forced.end() && next->site.layer == 0; ++next) result.post[0](next->site.to) = next->value;

  for (Index l = 1; l <= net.layers(); ++l) {
    const auto i = static_cast<std::size_t>(l);
    run_layer(net, l, result.post[i - 1], next, forced.end(), result.pre[i], result.post[i]);
  }
  return result;
}

Vector forward(const Network& net, ConstVectorRef input, const std::vector<Forced>& forced) {
  return trace(net, input, forced).post.back();
}

Vector forward(const Network& net, const Trace& nominal, const std::vector<Forced>& forced) {
  check(net, forced);
  if (forced.empty()) return nominal.post.back();
  Terms terms;
  Index l = forced.front().site.layer;
  Vector signals = nominal.post[static_cast<std::size_t>(l)];
  Cursor next = forced.begin();
  while (next != forced.end() && next->site.layer == l) {  // what enters the layer is nominal: only these differ
    const Cursor first = next;
    const Index j = first->site.to;
    next = std::find_if(first, forced.end(), [&](const Forced& f) { return f.site.layer != l || f.site.to != j; });
    const bool neuron = !first->site.is_synapse();
    signals(j) = neuron ? first->value
                        : net.activation(l, j)(
                              receive(net, l, j, nominal.post[static_cast<std::size_t>(l) - 1], first, next, terms));
  }
  Vector pre, post;
  for (++l; l <= net.layers(); ++l) {
    run_layer(net, l, signals, next, forced.end(), pre, post);
    signals.swap(post);
  }
  return signals;
}

Matrix forward_batch(const Network& net, const ConstMatrixRef& inputs, const std::vector<Forced>& forced) {
  Matrix outputs(inputs.rows(), net.outputs());
  for (Index n = 0; n < inputs.rows(); ++n) outputs.row(n) = forward(net, inputs.row(n).transpose(), forced);
  return outputs;
}

}  // namespace withstand
