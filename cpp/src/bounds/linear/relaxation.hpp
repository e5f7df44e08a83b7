// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <vector>

#include "bounds/linear/lines.hpp"
#include "core/index.hpp"
#include "withstand/linear.hpp"
#include "core/rounding.hpp"

// What the linear bound knows of each layer. A "signal" is what a neuron hands on, its "carrier" the pre-activation that
// the signal is a function of. Both are deviations from the intact network at the same input (difference form) or the
// failed network's values themselves (value form); the substitution does not care which.
namespace withstand::bounds::linear {

/// One operation's rounding error added outward; what is 0 stays 0.
inline double up(double x) { return x + epsilon * (x < 0 ? -x : x); }
inline double down(double x) { return x - epsilon * (x < 0 ? -x : x); }
/// The same of a product, which below the normal range loses more than that.
inline double product_up(double a, double b) { return up(a * b) + underflow(a, b); }
inline double product_down(double a, double b) { return down(a * b) - underflow(a, b); }

/// More than 32 roundings below the normal range can lose, of numbers that are multiplied by at most 1 afterwards.
constexpr double tiny = 0x1p-1070;

using withstand::underflow;
/// What a receiver's products may lose below the normal range.
inline double underflow(const Terms& terms, const Vector& x, double size) {
  if (terms.from == nullptr) return withstand::underflow(terms.weight, x.data(), terms.size, size);
  double lost = 0;
  for (Index t = 0; size < 0x1p-900 && t < terms.size; ++t)
    if (terms.weight[t] != 0 && x(terms.from[t]) != 0) lost = static_cast<double>(terms.size) * 0x1p-1000;
  return lost;
}

inline Interval entry(const LayerRange& range, Index i) { return {range.lower(i), range.upper(i)}; }

/// What a failed component of a term does, asked once: loops run over neurons and synapses.
struct Sending {
  Interval free;          ///< what it may send, or add
  bool added = false;     ///< to what it does, instead of replacing it
  bool weighted = false;  ///< to the signal of a synapse, before the weight
};

/// What stays the same for every restriction of one space at one input or box.
struct Prepared {
  const Network& net;
  const Space& space;
  bool point = false;                                     ///< the domain is one input
  std::vector<LayerRange> pre, post;                      ///< of the intact network; pre of layers 1.., post of 0..
  std::vector<Sending> sending;                           ///< [term]
  std::vector<std::vector<std::vector<char>>> candidate;  ///< [term][layer][neuron]
  std::vector<Vector> noise;                              ///< [layer]: amplitude of every neuron, or empty
};

/// Interval propagation through the intact network into pre and post, rounded outward.
void nominal_ranges(Prepared& prepared, ConstVectorRef lower, ConstVectorRef upper);

/// What is known of one receiver of the difference form.
struct Receiver {
  Interval pre, post;  ///< nominal
  Interval deviation;  ///< of the carrier
  Interval faulty;     ///< pre-activation of the failed network
};

/// lower(c) <= signal <= upper(c) for every carrier c in its range, while the neuron does not fail.
struct Response {
  Line lower, upper;
  Interval signal;
};
Response difference_response(const Activation& phi, const Receiver& receiver, bool point);
Response value_response(const Activation& phi, Interval faulty);

/// What a failure adds: max(a, 0) positive + min(a, 0) negative, for a coefficient a.
struct Rates {
  Vector positive, negative;
};

/// Neurons of one layer that one term may still fail, and their columns in the table of gains.
struct Neurons {
  std::size_t term = 0;
  Index first = 0;         ///< column of neuron 0
  std::vector<char> open;  ///< which of the layer's own neurons may fail; its wires never do
  Rates rates;             ///< over the lines
  Rates flat;              ///< over the range of the signal

  bool may_fail(Index i) const { return static_cast<std::size_t>(i) < open.size() && open[static_cast<std::size_t>(i)] != 0; }
};

/// Synapses into one layer that one term may still fail. Only the `keep` best of a receiver can be among the worst.
struct Synapses {
  std::size_t term = 0;
  Index first = 0, keep = 0;  ///< receiver j: columns first + 2 keep j: `keep` for a > 0, then `keep` for a < 0
  std::vector<double> rates;  ///< by column
  std::vector<Index> from;    ///< by column
};

/// A synapse that has failed: the carrier of `to` loses weight * signal (where `removed`) and gains something.
struct Cut {
  Index to = 0, from = 0;
  bool removed = true;
  Interval gained;
};

struct Layer {
  bool carried = false;  ///< carriers are not all the constant 0
  bool live = false;     ///< signals are not all the constant 0
  Vector upper_slope, upper_offset, lower_slope, lower_offset;
  LayerRange deviation;  ///< of the pre-activation: what the lines are for
  LayerRange faulty;     ///< pre-activation of the failed network
  LayerRange signal;     ///< while the neuron does not fail
  LayerRange sent;       ///< transmitted value, failures included
  Vector magnitude;      ///< max |signal|, failures included
  Vector rounding;       ///< of each carrier: |W| magnitude + |b| + 2 |carrier|, the scale of rounding errors
  double lost_receiving = 0;  ///< what a row may lose below the normal range on its way from the carriers to the signals
  double lost_sending = 0;    ///< and from this layer's signals to its carriers
  std::vector<Neurons> neurons;
  std::vector<Synapses> synapses;
  std::vector<Cut> cuts;
};

/// Upper bounds constant + (gains of what fails in the layer before), and how much of each is used beside a line.
struct Marginals {
  Index layer = 0;   ///< whose signals they bound; 0: none
  Vector constant;
  Vector drop;       ///< by how much failures can take it below the constant
  Vector largest;    ///< of |gains|
  Matrix gains;      ///< N_l x N_{l-1}
  std::vector<char> telescoped;  ///< which receivers have such a bound; the others keep their lines alone
  Vector share;      ///< in [0, 1], per receiver
  Vector weight;     ///< coefficient * share, of the row at hand
};

/// Adjacent columns of the table whose components draw on one count.
struct Pool {
  struct Span {
    Index layer = 0;            ///< the signals, or with synapses the carriers, of this layer
    std::size_t index = 0;      ///< in its neurons or synapses
    Index first = 0, width = 0;
  };
  std::size_t term = 0;
  Index budget = 0;
  bool exactly = false, synapses = false;
  std::vector<Span> spans;
};

/// A row-major matrix that keeps its memory: the allocator would hand large blocks back to the system every time.
class Scratch {
 public:
  Scratch() = default;
  Scratch(Scratch&&) = default;
  Scratch& operator=(Scratch&&) = default;  // a copy would be of all the memory, and in new memory
  void copy(const Scratch& other) {
    resize(other.rows_, other.cols_);
    std::copy_n(other.data_.data(), rows_ * cols_, data_.data());
  }
  void resize(Index rows, Index cols) {
    if (data_.size() < at(rows * cols)) data_.resize(at(rows * cols));
    rows_ = rows;
    cols_ = cols;
  }
  double* row(Index r) { return data_.data() + r * cols_; }
  const double* row(Index r) const { return data_.data() + r * cols_; }
  Index rows() const { return rows_; }
  Index cols() const { return cols_; }

 private:
  std::vector<double> data_;
  Index rows_ = 0, cols_ = 0;
};

/// A restriction in one of the two forms, layer by layer: carriers(1), relax(1), carriers(2), ..., then objectives.
class Relaxation {
 public:
  enum class Form { difference, value };

  /// `intact`: nothing fails and nothing is noisy.
  void begin(const Prepared& prepared, const Restriction& restriction, Form form, bool intact = false);
  /// Proved range of the carriers of layer l, once the layers before it are relaxed; intersected with one that is known
  /// already, together with that of the failed network's pre-activations.
  LayerRange carriers(Index l, const LayerRange* known = nullptr, const LayerRange* faulty = nullptr);
  /// Relax layer l (0 first). Ranges of layer 0 are not looked at.
  void relax(Index l, const LayerRange& deviation, const LayerRange& faulty);
  /// Upper bounds of rows over the carriers of the outputs, or (`signals`) over relaxed signals of the outputs.
  Vector objectives(const ConstMatrixRef& rows, bool signals);
  /// Better lines for every row that is above its entry of `effort.enough`, in at most `effort.steps` rounds. Difference
  /// form, at a point, after `objectives` over carriers.
  void refine(const ConstMatrixRef& rows, const LinearEffort& effort, Vector& bounds);

  const Layer& layer(Index l) const { return layers_[at(l)]; }
  const std::vector<Pool>& pools() const { return pools_; }
  const Scratch& table() const { return table_; }
  /// A number of failures is prescribed that no longer can happen.
  bool empty() const { return empty_; }

 private:
  /// A row of coefficients in the making: what has been split off.
  struct Row {
    double constant = 0;  ///< sum of the offsets
    double size = 0;      ///< sum of their absolute values
    double slack = 0;     ///< bound of the rounding errors
  };

  void lay_out(std::size_t term);
  Pool::Span open_neurons(std::size_t term, Index l);
  Pool::Span open_synapses(std::size_t term, Index l, Index left);
  void relax_neuron(Index l, Index i, Interval deviation, Interval faulty);
  void rate_neurons(Index l, Index i, Interval carrier);
  double noise_of(Index l, Index i) const;
  void rate_cuts(Index l);
  void rate_synapses(Index l);
  Interval failed_signal(bool added, Interval sent, Index l, Index i) const;

  /// What the rounds change in a layer.
  struct Lines {
    Vector upper_slope, upper_offset, lower_slope, lower_offset;
    std::vector<Rates> rates;
  };
  static Lines lines_of(const Layer& layer);
  static void set_lines(Layer& layer, const Lines& lines);

  void mark_failures(const double* gains);
  void play(const double* gains);
  double played_signal(Index l, Index i) const;
  void answer(Index l, double share);
  double round(const ConstMatrixRef& row, double share);
  void prepare_marginals();
  bool telescopes(Index l) const;
  void telescope(Index l);
  void telescope_receiver(Index j, std::size_t budget, const LayerRange& change);
  Interval base(Index l, Index j) const;
  void prefer(double share);
  void mix_marginals();
  void add_marginals();

  void enter(Index l);
  void hand_on(Index l, LayerRange& range) const;
  Vector evaluate(const ConstMatrixRef& rows, bool signals, bool flat);
  void start(Index rows);
  void unit_rows(Index l, const Index* receivers, Index count);
  void receive(Index l);
  void split_off(Row& row, const Layer& layer, const double* carrier);
  void send(Index l, bool flat);
  void descend(Index l);
  void no_gains(Index l, bool carriers_too);
  double value(Index row, Index signals, bool flat);

  const Prepared* given_ = nullptr;
  const Restriction* restriction_ = nullptr;
  Form form_ = Form::difference;
  bool intact_ = false, empty_ = false;
  std::vector<std::vector<Index>> decided_;  ///< [layer][neuron]: open, alive, or the index of its failure
  std::vector<Layer> layers_;                ///< 0..L+1
  std::vector<Pool> pools_;
  Index columns_ = 0;

  Scratch carrier_, signal_, table_;  ///< coefficients of the rows, and the gains they offer
  Scratch kept_, best_;               ///< gains of other lines
  std::vector<Row> rows_;
  std::vector<Vector> played_;         ///< carriers of each layer when the selected components fail
  std::vector<std::vector<char>> fails_;  ///< [layer][neuron]: 1 + the term of the selected ones; empty: none
  std::vector<Index> played_sources_;     ///< those of them in the layer before the marginals'
  Marginals marginals_;
};

}  // namespace withstand::bounds::linear

struct withstand::LinearBound::Prepared : withstand::bounds::linear::Prepared {};
