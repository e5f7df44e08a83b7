// SPDX-License-Identifier: MIT
#include "search/meetings/triples.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "withstand/parallel.hpp"

namespace withstand::search {
namespace {

constexpr std::size_t most_pairs = std::size_t{1} << 27;  ///< 512 MB
constexpr std::size_t block = 64;                         ///< of third failures that are looked at together
constexpr double most_number = 1e30;                       ///< of which differences are taken
constexpr double single_room = 1 + 1e-6;                  ///< for single precision

// Shorts are the upper halves of single precision. Room of 1e-6 in every term covers the rounding of sums of a few.
std::uint16_t short_below(double number) {
  const auto near = static_cast<float>(number / single_room);
  std::uint32_t bits = 0;
  std::memcpy(&bits, &near, sizeof bits);
  return static_cast<std::uint16_t>(bits >> 16);
}

std::uint16_t short_above(double number) {
  const auto near = static_cast<float>(number * single_room);
  std::uint32_t bits = 0;
  std::memcpy(&bits, &near, sizeof bits);
  return static_cast<std::uint16_t>((bits + 0xFFFF) >> 16);
}

void to_single(const std::uint16_t* from, float* to) {
  std::uint32_t bits[block];
  for (std::size_t n = 0; n < block; ++n) bits[n] = std::uint32_t{from[n]} << 16;
  std::memcpy(to, bits, sizeof bits);
}

}  // namespace

/// The third failures that the pairs do not exclude, behind a first and a second.
struct Triples::Thirds {
  std::vector<float> most, less;  // of the first, with every option
  std::vector<float> met;         // of some, with the second one besides,
  std::vector<int> index;         // and which
  std::vector<std::size_t> found;
};

Triples::Triples(const BranchBound::Row& row, const Choices& choices, const Singles& singles, const Trace& intact,
                 Incumbent& incumbent, Budget& budget, int threads)
    : Meetings(row, choices, singles, intact, incumbent, budget, threads), kernels_(kernels()) {
  for (const double gain : gain_) {
    alone_.push_back(static_cast<float>(gain >= 0 ? gain * single_room : gain / single_room));
    most_alone_ = std::max(most_alone_, gain);
  }
  alone_.resize(alone_.size() + block, -std::numeric_limits<float>::infinity());
  silent_.resize(alone_.size(), 0);
}

bool Triples::fit(const Singles& singles) {
  std::size_t pairs = 0;
  for (std::size_t n = 0; n < singles.options().size(); ++n)
    if (singles.effect(n) != nullptr) pairs += singles.options().size() - n;
  return pairs <= most_pairs;
}

bool Triples::run() {
  if (firsts_.empty()) return true;
  seed();
  meet_.resize(gain_.size());
  if (!for_each_first([this](Worker& worker, std::size_t a) { second_failures(worker, a); })) return false;
  find_partners();
  return for_each_first([this](Worker& worker, std::size_t a) { sets_from(worker, a); });
}

/// Each of the three pairs of a triple is worth half of what its two do alone, and what they gain by meeting.
double Triples::open() const {
  if (partner_.empty()) return std::numeric_limits<double>::infinity();
  double pair = 0;
  for (std::size_t a = 0; a < gain_.size(); ++a) pair = std::max(pair, gain_[a] / 2 + partner_[a]);
  return base_.maxCoeff() + 3 * pair + margin_;
}

double Triples::gains(std::size_t a, std::size_t b) const {
  if (meet_[a].most.empty()) return 0;
  float most[block];
  to_single(&meet_[a].most[b - a - 1], most);
  return static_cast<double>(most[0]);
}

/// What a failure and each one behind it can gain by meeting. A pair that may be the one that gains most of a triple which
/// is not hopeless is followed.
void Triples::second_failures(Worker& worker, std::size_t a) {
  interruption_point();
  worker.encounter.start(intact_.pre);
  worker.encounter.first(alone(a));
  Gains& gains = meet_[a];
  gains.most.reserve(gain_.size() - a - 1 + block);
  gains.less.reserve(gain_.size() - a - 1 + block);
  for (std::size_t b = a + 1; b < gain_.size(); ++b) {
    const double most = worker.encounter.most(alone(b));
    gains.most.push_back(short_above(most));
    const bool follow = !hopeless(base_.maxCoeff() + gain_[a] + gain_[b] + most_alone_ + 3 * most);
    gains.less.push_back(follow && most < most_number ? short_below(std::max(0.0, most - followed(worker.encounter, b))) : Short{0});
  }
  gains.most.resize(gains.most.size() + block);
  gains.less.resize(gains.less.size() + block);
}

/// What the pair has gained in fact, and the most that the difference from what the two do in sum changes for a third.
double Triples::followed(Encounter& encounter, std::size_t b) const {
  const Encounter::Followed pair = encounter.follow(alone(b));
  const Matrix& rows = row_.problem.harm.rows();
  double most = 0;
  for (Index o = 0; o < rows.rows(); ++o) {
    double gained = 0;
    for (std::size_t n = 0; n < pair.outputs->at.size(); ++n) gained += rows(o, pair.outputs->at[n]) * pair.outputs->value[n];
    most = std::max(most, gained);
  }
  return most + pair.moved + pair.meeting;
}

void Triples::find_partners() {
  partner_.assign(gain_.size(), 0);
  for (std::size_t a = 0; a < gain_.size(); ++a)
    for (std::size_t b = a + 1; b < gain_.size(); ++b) {
      const double more = gains(a, b);
      partner_[a] = std::max(partner_[a], gain_[b] / 2 + more);
      partner_[b] = std::max(partner_[b], gain_[a] / 2 + more);
    }
}

/// A failure alone, with every one behind it, and with any two behind it.
void Triples::sets_from(Worker& worker, std::size_t a) {
  interruption_point();
  if (!budget_.spend(1)) throw Interrupted();
  if (!hopeless(base_.maxCoeff() + gain_[a])) offer({a});
  take(worker, a);
  Beside beside(singles_, row_.problem.harm.rows(), worker.reached);
  worker.encounter.start(worker.reached.pre());
  const std::size_t room = gain_.size() + block;
  Thirds thirds{std::vector<float>(room), std::vector<float>(room), std::vector<float>(room), std::vector<int>(room), {}};
  for (std::size_t n = a + 1; n < gain_.size(); n += block) {
    to_single(&meet_[a].most[n - a - 1], &thirds.most[n]);
    to_single(&meet_[a].less[n - a - 1], &thirds.less[n]);
  }
  for (std::size_t b = a + 1; b < gain_.size(); ++b) {
    if (!together(a, b)) continue;
    const double bound = value(a, b) + gains(a, b);
    if (!hopeless(bound)) evaluate(worker, {a}, b);
    if (hopeless(bound + partner_[a] + partner_[b])) continue;
    undecided(thirds, a, b);
    if (!thirds.found.empty()) third_failures(worker, beside, a, b, thirds.found);
  }
}

Vector Triples::with(Vector before, std::size_t option) const {
  const double* const adds = singles_.effect(option);
  if (adds != nullptr) before += Eigen::Map<const Vector>(adds, before.size());
  return before;
}

/// Who behind the two is not excluded by what their pairs can gain.
void Triples::undecided(Thirds& thirds, std::size_t a, std::size_t b) const {
  thirds.found.clear();
  const double high = base_.maxCoeff() + gain_[a] + gain_[b];
  const float most = thirds.most[b], less = thirds.less[b];
  const auto enough = static_cast<float>((incumbent_.harm() - margin_ - high) / single_room - most);
  const Vector both = with(with(base_, a), b);
  const bool meets = !meet_[b].most.empty();
  const Short* const other = meets ? meet_[b].most.data() : silent_.data();
  const Short* const other_less = meets ? meet_[b].less.data() : silent_.data();
  const std::size_t first = b + 1, behind = (gain_.size() - first + block - 1) / block * block;
  const long count = kernels_.thirds(static_cast<long>(behind), &thirds.most[first], &thirds.less[first], other, other_less, less,
                                     &alone_[first], enough, thirds.met.data(), thirds.index.data());
  for (long n = 0; n < count; ++n) {
    const std::size_t c = first + at(thirds.index[at(n)]);
    if (c >= gain_.size()) break;
    const double bound = with(both, c).maxCoeff() + single_room * static_cast<double>(most + thirds.met[at(n)]);
    if (!hopeless(bound) && together(a, b, c)) thirds.found.push_back(c);
  }
}

/// Third failures behind two, in the network in which the first one has failed.
void Triples::third_failures(Worker& worker, Beside& beside, std::size_t a, std::size_t b,
                             const std::vector<std::size_t>& thirds) {
  const double* const first = singles_.effect(a);
  for (const std::size_t c : thirds) beside.effect(c);  // which moves what is known
  const double* const second = beside.effect(b);
  worker.encounter.first(beside.alone(b));
  const Index count = base_.size();
  const Vector both = base_ + Eigen::Map<const Vector>(first, count) + Eigen::Map<const Vector>(second, count);
  std::vector<std::size_t> left;
  for (const std::size_t c : thirds) {
    const double sum = (both + Eigen::Map<const Vector>(beside.effect(c), count)).maxCoeff();
    if (!worker.encounter.harmless(beside.alone(c), [&](double met) { return hopeless(sum + met); })) left.push_back(c);
  }
  if (left.empty()) return;
  add(worker, b);
  for (const std::size_t c : left) evaluate(worker, {a, b}, c);
  take(worker, a);
}

}  // namespace withstand::search
