// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "withstand/exact_sum.hpp"
#include "withstand/failure.hpp"

namespace withstand {

/// Counts of values in bins of constant relative width 2^-7, both signs; what is below 2^-64 in size is one bin.
class LogHistogram {
 public:
  static constexpr int bits = 7;              ///< bins per octave: 2^bits
  static constexpr int least_exponent = -64;  ///< without a floor, a zero would put 130,000 bins before the first error
  static int key(double value);   ///< increasing in `value`
  static double lower(int key);   ///< smallest magnitude of a bin, with its sign

  void add(const double* values, std::size_t n, double low, double high);  ///< all of them from `low` to `high`
  void merge(const LogHistogram& other);
  void insert(int key, std::uint64_t count);  ///< throws std::invalid_argument for a key that no double has

  int first() const { return first_; }  ///< key of counts()[0]
  const std::vector<std::uint64_t>& counts() const { return counts_; }

 private:
  void cover(int low, int high);

  int first_ = 0;
  std::vector<std::uint64_t> counts_;
};

/// A configuration worth showing: its error comes from the canonical evaluation.
struct Entry {
  double error = 0;
  std::vector<Site> sites;  ///< sorted
  std::vector<int> manners; ///< how each fails: its term, where all of them have one way (see Enumerator::witness)
  Index input = 0;
  Index output = 0;
};

/// Worse first; ties: fewer failures, then sorted components, then input, then output.
bool worse(const Entry& a, const Entry& b);

/// What the configurations do that have a component among the failed.
struct ComponentErrors {
  std::uint64_t count = 0;
  std::uint64_t infinite = 0;  ///< errors that are: the sum is of the others
  ExactSum sum;  ///< of their errors
  double worst = -std::numeric_limits<double>::infinity();  ///< by the canonical evaluation

  void merge(const ComponentErrors& other);
};

/// What an enumeration knows about the configurations it has seen. Merging is associative and commutative, bit by bit.
struct Statistics {
  static constexpr double faint_scale = 0x1p600;  ///< the smallest double times it has a square with all its digits

  explicit Statistics(std::size_t outputs = 0, std::size_t keep_top = 1);

  std::uint64_t count = 0;
  std::uint64_t exceeding = 0;     ///< error above epsilon (decisions: harm at least 0)
  std::uint64_t large = 0;         ///< errors whose squares leave the range of doubles: the squares are of the others
  std::uint64_t infinite = 0;      ///< errors that are: sums, smallest value and histogram are of the others
  ExactSum sum;                    ///< of the errors
  ExactSum squares;                ///< of their squares
  ExactSum faint;                  ///< squares of errors times faint_scale, of batches whose own would leave the doubles
  double least;                    ///< smallest error, +infinity before the first configuration
  LogHistogram histogram;
  std::vector<double> per_output;  ///< worst error of each output, -infinity where there is none
  std::vector<Entry> top;          ///< the worst configurations, worst first
  std::size_t keep;                ///< their largest number
  std::vector<ComponentErrors> components;  ///< in the order of Grid::components; nothing where nobody asks

  /// Moments, smallest value and histogram of one batch; `exceeding` and the worst entries are counted elsewhere.
  void add(const double* errors, std::size_t n);
  void add_any(const double* errors, std::size_t n);  ///< also of errors that are infinite, or whose squares are
  void offer(Entry entry);
  void merge(const Statistics& other);  ///< throws std::invalid_argument where the numbers of outputs differ
};

}  // namespace withstand
