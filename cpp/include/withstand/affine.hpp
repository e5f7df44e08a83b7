// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "withstand/types.hpp"

namespace withstand {

/// What every bound needs of a layer's weights. Sums and norms are rounded up.
struct WeightFacts {
  Vector row_max;   ///< max over i of |W_ji|, per receiver j
  Vector row_sum;   ///< sum over i of |W_ji|
  Vector row_norm;  ///< Euclidean norm of row j
  double max = 0;   ///< w_l
  double out = 0;   ///< the largest sum over receivers of |W_ji|, of one sender
  double grid = 0;  ///< the largest power of two of which all weights are multiples; 0 where there is none
  Index terms = 0;  ///< the most that a receiver has
};

/// The weights of one receiver, by increasing sender.
struct Terms {
  Index size = 0;
  const Index* from = nullptr;      ///< sender of each term; null: term i comes from sender i, for all of them
  const double* weight = nullptr;

  // Where an operator that stores no rows leaves them: good until the next call with the same Terms.
  std::vector<Index> senders;
  std::vector<double> weights;
  Index sender(Index t) const { return from == nullptr ? t : from[t]; }
  /// Fill the two lists anew, and show what they hold.
  void clear() {
    senders.clear();
    weights.clear();
  }
  void add(Index sender, double value) {
    senders.push_back(sender);
    weights.push_back(value);
  }
  void show();
};

/// Numbers of a few neurons.
struct Few {
  std::vector<Index> at;
  std::vector<double> value;

  void clear() {
    at.clear();
    value.clear();
  }
  void add(Index neuron, double number) {
    at.push_back(neuron);
    value.push_back(number);
  }
};

/// The linear map W that a layer reads its signals with. Immutable, and safe to share between threads.
///
/// An operator must give the terms of a row; everything else follows from them, and an operator that knows a faster way
/// says so. Blocks of vectors are row-major, a vector being a column, with the given distance between rows. Weights that
/// are not among the terms are 0.
class Affine {
 public:
  virtual ~Affine() = default;
  Affine(const Affine&) = delete;
  Affine& operator=(const Affine&) = delete;

  Index rows() const { return rows_; }  ///< receivers
  Index cols() const { return cols_; }  ///< senders
  /// Computed when they are first asked for: who only evaluates does without these numbers of every receiver.
  const WeightFacts& facts() const;

  virtual const char* name() const = 0;  ///< for messages
  /// The terms of receiver j.
  virtual void terms_of_row(Index j, Terms& terms) const = 0;
  /// The terms of sender i: by increasing receiver, which is what `sender` of the terms tells.
  virtual void terms_of_column(Index i, Terms& terms) const = 0;
  /// The senders whose product with receiver j is a synapse: those with a stored weight.
  virtual void synapses_of_row(Index j, std::vector<Index>& from) const;
  /// Where a stored weight is used: a receiver and a sender.
  struct Place {
    Index to = 0, from = 0;
  };
  /// Every stored weight, by its first place, sorted.
  virtual std::vector<Place> stored() const;
  /// Whether W_ji is one weight, not the sum of several.
  virtual bool alone(Index /*j*/, Index /*i*/) const { return true; }
  /// Whether all weights are finite, as far as an operator sees without looking at the terms of every receiver.
  virtual bool plainly_finite() const { return false; }
  /// All places of the stored weight that receiver j hears sender i with, sorted; it must be one.
  virtual void shared(Index j, Index i, std::vector<Place>& places) const { places.assign(1, {j, i}); }
  /// S += W Y for n vectors; every entry adds its terms by increasing sender.
  virtual void multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const;
  /// S += |W| Y, likewise.
  virtual void absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const;
  /// s += W y as `multiply_add` does with one vector, bit by bit. For callers that ask often: an operator may keep a
  /// second form of its weights for them.
  virtual void receive(const double* y, double* s) const { multiply_add(1, y, 1, s, 1); }
  /// s_j = (..(s_j + first term) + second term ..): the terms by increasing sender, each product and each sum rounded: on
  /// every machine the order of canonical evaluations, but for dense rows, which `forward` sums in four interleaved parts.
  virtual void add_in_order(const double* y, double* s) const;
  /// B += A W for k rows a, which back-substitution takes from receivers to senders.
  virtual void pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const;
  /// dst = base + scale W e_i, all receivers; `dst` may be `base`. For callers that ask often.
  virtual void add_column(Index i, double scale, const double* base, double* dst) const;
  /// Column c of S is base + scale[c] W e_{senders[c]}.
  virtual void spread(Index n, const double* base, const int* senders, const double* scale, double* s, Index lds) const;
  /// Memory that `reach` keeps from call to call; all sums and marks are 0 in between.
  struct Scratch {
    std::vector<double> sum;
    std::vector<char> mark;
    std::vector<int> index;
    std::vector<double> scale, block;
    std::vector<Index> places, count, reached;
    std::vector<std::size_t> end;
    Few some, found, apart;
    std::unique_ptr<Scratch> inner;
    void grow(Index size);
    /// A change of one receiver, which is named when it is the first.
    void add(Index receiver, double change, Few& receivers) {
      const auto j = static_cast<std::size_t>(receiver);
      if (mark[j] == 0) receivers.at.push_back(receiver);
      mark[j] = 1;
      sum[j] += change;
    }
    /// The sums of all that are named; 0 again here.
    void deliver(Few& receivers);
  };
  /// What these changes of senders, none of them twice, add to the receivers that they reach, each of which is named once.
  virtual void reach(const Few& senders, Few& receivers, Scratch& scratch) const;
  /// W y and |W| y, in the order of summation that is fastest for one vector.
  virtual Vector product(const Vector& y) const;
  virtual Vector absolute_product(const Vector& y) const;
  /// W_ji.
  virtual double weight(Index j, Index i) const;
  /// All weights as a matrix, null for an operator that holds none. See Network::dense.
  virtual const Matrix* matrix() const { return nullptr; }
  /// Multiply-adds of one product with a vector.
  virtual double cost() const = 0;
  /// Memory that it holds, without what is made when somebody asks for it.
  virtual double bytes() const = 0;

  /// All weights of receiver j; where the operator stores none in a row they are laid out in `terms`.
  const double* row(Index j, Terms& terms) const;
  /// All weights of sender i, likewise in `scratch`. For callers that ask often.
  virtual const double* column(Index i, Vector& scratch) const;
  /// Those of n senders from `first` on, a row each, likewise. For callers that go through all of them, some at a time.
  virtual const double* columns(Index first, Index n, Matrix& scratch) const;
  /// Whether the two are the same matrix.
  bool operator==(const Affine& other) const;

 protected:
  Affine(Index rows, Index cols) : rows_(rows), cols_(cols) {}
  /// From the terms of every row.
  virtual WeightFacts find_facts() const;

 private:
  Index rows_, cols_;
  mutable std::once_flag asked_;
  mutable WeightFacts facts_;
};

/// A matrix that holds every weight.
class Dense final : public Affine {
 public:
  explicit Dense(Matrix weights) : Dense(std::make_shared<const Matrix>(std::move(weights))) {}
  /// Of weights that somebody else shows as well.
  explicit Dense(std::shared_ptr<const Matrix> weights);

  const char* name() const override { return "dense"; }
  void terms_of_row(Index j, Terms& terms) const override;
  void terms_of_column(Index i, Terms& terms) const override;
  void multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void absolute_multiply_add(Index n, const double* y, Index ldy, double* s, Index lds) const override;
  void receive(const double* y, double* s) const override;
  void add_in_order(const double* y, double* s) const override;
  void pull_back(Index k, const double* a, Index lda, double* b, Index ldb) const override;
  void add_column(Index i, double scale, const double* base, double* dst) const override;
  void spread(Index n, const double* base, const int* senders, const double* scale, double* s, Index lds) const override;
  Vector product(const Vector& y) const override;
  Vector absolute_product(const Vector& y) const override;
  bool plainly_finite() const override { return weights_.allFinite(); }
  double weight(Index j, Index i) const override { return weights_(j, i); }
  const Matrix* matrix() const override { return &weights_; }
  double cost() const override { return static_cast<double>(weights_.size()); }
  double bytes() const override { return 8.0 * static_cast<double>(weights_.size()); }
  const double* column(Index i, Vector& scratch) const override;
  const double* columns(Index first, Index n, Matrix& scratch) const override;

 protected:
  WeightFacts find_facts() const override;

 private:
  /// Row i holds the weights that leave sender i. Made when it is first asked for: who goes through a large matrix as a
  /// whole does without it.
  const Matrix& transposed() const;
  bool small() const;

  std::shared_ptr<const Matrix> held_;
  const Matrix& weights_;
  mutable std::once_flag once_;
  mutable Matrix transposed_;
};

}  // namespace withstand
