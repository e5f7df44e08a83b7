// SPDX-License-Identifier: MIT
#include "withstand/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

#include "core/rounding.hpp"

namespace withstand {
namespace {

constexpr int shift = 52 - LogHistogram::bits;
constexpr int smallest = (1023 + LogHistogram::least_exponent) << LogHistogram::bits;  // the bin of 2^least_exponent

/// An unevaluated sum high + low with about 106 bits.
struct Wide {
  double high = 0;
  double low = 0;

  /// Knuth's two-sum: the rounding error of the sum is kept.
  void add(double value) {
    const double total = high + value;
    const double back = total - high;
    low += (high - (total - back)) + (value - back);
    high = total;
  }
};

/// value^2 = product + error exactly, by Veltkamp's splitting and Dekker's product (no FMA on the baseline machine).
void square(double value, double& product, double& error) {
  constexpr double splitter = 134217729.0;  // 2^27 + 1
  const double scaled = splitter * value;
  const double top = scaled - (scaled - value);
  const double rest = value - top;
  product = value * value;
  error = ((top * top - product) + 2 * top * rest) + rest * rest;
}

}  // namespace

/// A bin holds its lower edge: of negative values the larger magnitude, so theirs are looked up one double lower; and
/// however small, they lie below the bin of 0.
int LogHistogram::key(double value) {
  std::uint64_t pattern = 0;
  const double magnitude = std::abs(value);
  std::memcpy(&pattern, &magnitude, sizeof pattern);
  if (value < 0) return -std::max(static_cast<int>((pattern - 1) >> shift) - smallest, 1);
  return std::max(static_cast<int>(pattern >> shift) - smallest, 0);
}

double LogHistogram::lower(int key) {
  if (key == 0) return 0;
  const std::uint64_t pattern = static_cast<std::uint64_t>(std::abs(key) + smallest) << shift;
  double magnitude = 0;
  std::memcpy(&magnitude, &pattern, sizeof magnitude);
  return key < 0 ? -magnitude : magnitude;
}

void LogHistogram::cover(int low, int high) {
  if (counts_.empty()) first_ = low;
  const int end = std::max(high + 1, first_ + static_cast<int>(counts_.size()));
  if (low < first_) {
    counts_.insert(counts_.begin(), static_cast<std::size_t>(first_ - low), 0);
    first_ = low;
  }
  counts_.resize(static_cast<std::size_t>(end - first_), 0);
}

void LogHistogram::add(const double* values, std::size_t n, double low, double high) {
  cover(key(low), key(high));
  for (std::size_t i = 0; i < n; ++i) ++counts_[static_cast<std::size_t>(key(values[i]) - first_)];
}

void LogHistogram::insert(int bin, std::uint64_t count) {
  if (count == 0) return;
  const int last = key(std::numeric_limits<double>::max());
  if (bin < -last || bin > last)
    throw std::invalid_argument("no double falls into bin " + std::to_string(bin));
  cover(bin, bin);
  counts_[static_cast<std::size_t>(bin - first_)] += count;
}

void LogHistogram::merge(const LogHistogram& other) {
  if (other.counts_.empty()) return;
  cover(other.first_, other.first_ + static_cast<int>(other.counts_.size()) - 1);
  for (std::size_t i = 0; i < other.counts_.size(); ++i)
    counts_[static_cast<std::size_t>(other.first_ - first_) + i] += other.counts_[i];
}

bool worse(const Entry& a, const Entry& b) {
  if (a.error != b.error) return a.error > b.error;
  if (a.sites.size() != b.sites.size()) return a.sites.size() < b.sites.size();
  if (a.sites != b.sites) return a.sites < b.sites;
  if (a.manners != b.manners) return a.manners < b.manners;
  return a.input != b.input ? a.input < b.input : a.output < b.output;
}

Statistics::Statistics(std::size_t outputs, std::size_t keep_top)
    : least(infinity), per_output(outputs, -infinity), keep(keep_top) {}

void Statistics::add_any(const double* errors, std::size_t n) {
  std::vector<double> moderate;
  for (std::size_t i = 0; i < n; ++i) {
    const double error = errors[i];
    if (std::abs(error) < 1e150) {
      moderate.push_back(error);
      continue;
    }
    ++count;
    if (error == infinity) {
      ++infinite;
      continue;
    }
    ++large;
    sum.add(error);
    least = std::min(least, error);
    histogram.add(&error, 1, error, error);
  }
  add(moderate.data(), moderate.size());
}

void Statistics::add(const double* errors, std::size_t n) {
  if (n == 0) return;
  const auto [low, high] = std::minmax_element(errors, errors + n);
  const bool is_faint = std::max(std::abs(*low), std::abs(*high)) < 0x1p-400;  // beside larger ones they are nothing
  std::vector<double> scaled;
  if (is_faint)
    for (std::size_t i = 0; i < n; ++i) scaled.push_back(errors[i] * faint_scale);
  const double* const roots = is_faint ? scaled.data() : errors;
  count += n;
  least = std::min(least, *low + 0.0);  // never -0, or the order of the errors could be seen
  constexpr std::size_t lanes = 4;  // independent sums, so that the additions do not wait for each other
  Wide values[lanes];
  Wide powers[lanes];
  for (std::size_t i = 0; i < n; ++i) {
    double product = 0;
    double error = 0;
    square(roots[i], product, error);
    values[i % lanes].add(errors[i]);
    powers[i % lanes].add(product);
    powers[i % lanes].low += error;
  }
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    for (double part : {values[lane].high, values[lane].low}) sum.add(part);
    for (double part : {powers[lane].high, powers[lane].low}) (is_faint ? faint : squares).add(part);
  }
  histogram.add(errors, n, *low, *high);
}

void Statistics::offer(Entry entry) {
  const auto at = std::lower_bound(top.begin(), top.end(), entry, worse);
  top.insert(at, std::move(entry));
  if (top.size() > keep) top.pop_back();
}

void ComponentErrors::merge(const ComponentErrors& other) {
  count += other.count;
  infinite += other.infinite;
  sum.add(other.sum);
  worst = std::max(worst, other.worst);
}

void Statistics::merge(const Statistics& other) {
  if (other.per_output.size() != per_output.size())
    throw std::invalid_argument("statistics of " + std::to_string(other.per_output.size()) +
                                " outputs cannot be merged into those of " + std::to_string(per_output.size()));
  count += other.count;
  exceeding += other.exceeding;
  infinite += other.infinite;
  large += other.large;
  sum.add(other.sum);
  squares.add(other.squares);
  faint.add(other.faint);
  least = std::min(least, other.least);
  histogram.merge(other.histogram);
  for (std::size_t o = 0; o < per_output.size(); ++o)
    per_output[o] = std::max(per_output[o], other.per_output[o]);
  for (const Entry& entry : other.top) offer(entry);
  if (components.size() < other.components.size()) components.resize(other.components.size());
  for (std::size_t c = 0; c < other.components.size(); ++c) components[c].merge(other.components[c]);
}

}  // namespace withstand
