// SPDX-License-Identifier: MIT
// Bits of words that flip (docs/theory.md 16 and 17): of what a neuron transmits, and of stored parameters. The word is
// that of the value in the execution, failures upstream included, so what is sent depends on the signal that arrives.
#include <algorithm>
#include <cmath>

#include "core/require.hpp"
#include "core/rounding.hpp"
#include "failure/conduct.hpp"
#include "failure/effects.hpp"

namespace withstand {
namespace {

/// Of the component with the most.
int most_masks(const Failure& failure) {
  return static_cast<int>(std::max(failure.words->masks.size(), failure.words->bias_masks.size()));
}

const std::vector<std::uint64_t>& masks_of(const Words& words, const Site& site) {
  return site.is_bias() && words.biases ? words.bias_masks : words.masks;
}

const Format& format_of(const Words& words, const Site& site) {
  return site.is_bias() && words.biases ? *words.biases : words.format;
}

const std::vector<Scaling> plain{Scaling{}};

/// Of the word of a component; none where a site stands for all of its layer.
const std::vector<Scaling>& scalings(const Words& words, const Site& site) {
  const auto& layers = site.is_bias() && words.biases ? words.bias_scalings : words.scalings;
  const auto layer = static_cast<std::size_t>(site.layer);
  return layer < layers.size() && !layers[layer].empty() ? layers[layer] : plain;
}

Scaling scaling_of(const Words& words, const Site& site) {
  const std::vector<Scaling>& all = scalings(words, site);
  return all.size() == 1 ? all.front() : all[static_cast<std::size_t>(site.to)];
}

double clamped(const Words& words, double value) {
  if (!words.clamp) return value;
  if (std::isnan(value)) return words.clamp->first;
  return std::min(std::max(value, words.clamp->first), words.clamp->second);
}

/// A value as a word, and what flips make of it.
class Word {
 public:
  Word(const Words& words, const Site& site, double value)
      : words_(words), format_(format_of(words, site)), scaling_(scaling_of(words, site)), masks_(masks_of(words, site)),
        word_(encoded(format_, scaling_, value)) {}

  int ways() const { return static_cast<int>(masks_.size()); }
  /// Whether every bit of a way would become what it is to become.
  bool offers(int way) const {
    const std::uint64_t mask = masks_[static_cast<std::size_t>(way)];
    return !words_.to || (word_ & mask) == (*words_.to == 0 ? mask : 0);
  }
  /// The value with the bits of a way flipped; of a cell that is stuck at what it holds, the value of the word.
  double flipped(int way) const {
    const std::uint64_t mask = masks_[static_cast<std::size_t>(way)];
    return clamped(words_, decoded(format_, scaling_, offers(way) ? word_ ^ mask : word_));
  }

 private:
  const Words& words_;
  const Format& format_;
  const Scaling scaling_;
  const std::vector<std::uint64_t>& masks_;
  const std::uint64_t word_;
};

/// Holds what any flip makes of numbers up to so large: of an integer any word, of a float twice the number (the fraction)
/// times what the bits of the exponent can add.
double reach_of_float(const Format& format, const std::vector<std::uint64_t>& masks, double largest) {
  const double least_normal = std::ldexp(1.0, 2 - (1 << (format.exponent - 1)));
  const double beyond = std::ldexp(1.0, 1 << (format.exponent - 1));
  double most = 0;
  for (const std::uint64_t mask : masks) {
    const auto exponent = static_cast<int>(mask >> format.fraction & ((std::uint64_t{1} << format.exponent) - 1));
    const double grown = std::ldexp(2 * std::max(largest, least_normal), std::min(exponent, 4096));
    most = std::max(most, grown >= beyond ? infinity : grown);
  }
  return most;
}

Interval words_over(const Failure& failure, const Site& site, const Interval& values) {
  const Words& words = *failure.words;
  const Format& format = format_of(words, site);
  Interval hull{infinity, -infinity};
  if (format.is_float()) {
    const double largest = std::max(std::abs(values.lower), std::abs(values.upper));
    const double most = reach_of_float(format, words.masks, next_up(largest));
    hull = {-most, most};
  } else {
    const double low = format.is_signed ? -std::ldexp(1.0, format.bits - 1) : 0;
    const double high = std::ldexp(1.0, format.is_signed ? format.bits - 1 : format.bits) - 1;
    const std::vector<Scaling>& all = scalings(words, site);
    const bool one = site.to >= 0 && all.size() > 1;
    for (const Scaling& s : one ? std::vector<Scaling>{scaling_of(words, site)} : all)
      hull = {std::min(hull.lower, s.scale * (low - s.zero)), std::max(hull.upper, s.scale * (high - s.zero))};
  }
  if (!words.clamp) return hull;
  return {std::max(words.clamp->first, std::min(hull.lower, words.clamp->second)),
          std::min(words.clamp->second, std::max(hull.upper, words.clamp->first))};
}

double sends_signal(const Failure& failure, int way, const Site& site, double signal, double) {
  return Word(*failure.words, site, signal).flipped(way);
}

Interval signal_range(const Failure& failure, const Site& site, const Interval& signal, double) {
  return words_over(failure, site, signal);
}

double sends_product(const Failure& failure, int way, const Site& site, double signal, double weight) {
  const double value = Word(*failure.words, site, weight).flipped(way);
  return std::isfinite(value) ? value * signal : infinity;  // by convention, whatever its sender does
}

bool offers_parameter(const Failure& failure, int way, const Site& site, double weight) {
  const Word word(*failure.words, site, weight);
  return way < word.ways() && word.offers(way);
}

void parameter_becomes(const Failure& failure, const Site& site, double weight, std::vector<Become>& all) {
  const Word word(*failure.words, site, weight);
  for (int way = 0; way < word.ways(); ++way) {
    if (!word.offers(way)) continue;
    const double value = word.flipped(way);
    all.push_back({way, std::isfinite(value) ? value : infinity});
  }
}

Interval product_range(const Failure& failure, const Site& site, const Interval& signal, double weight) {
  Interval hull{infinity, -infinity};
  const Word word(*failure.words, site, weight);
  for (int way = 0; way < word.ways(); ++way) {
    if (!word.offers(way)) continue;
    const double value = word.flipped(way);
    if (!std::isfinite(value)) return {-infinity, infinity};
    hull = {std::min({hull.lower, mul_down(value, signal.lower), mul_down(value, signal.upper)}),
            std::max({hull.upper, mul_up(value, signal.lower), mul_up(value, signal.upper)})};
  }
  return hull.lower <= hull.upper ? hull : Interval{0, 0};  // no way to fail
}

void check_masks(const Failure& failure, const Format& format, const std::vector<std::uint64_t>& masks) {
  for (const std::uint64_t mask : masks)
    require(mask != 0 && (format.bits >= 64 || mask >> format.bits == 0), failure.describe(), ": the mask ", mask,
            " names bits beyond the ", format.bits, " of a word, or none");
}

}  // namespace

void check_words(const Network& net, const Failure& failure) {
  if (failure.effect != Effect::bit_flip && failure.effect != Effect::weight_flip) return;
  require(failure.words != nullptr, "flipped bits are of words: Failure::words says of which");
  require(!failure.words->masks.empty(), failure.describe(), ": there are no bits to flip: Words::masks is empty");
  check_masks(failure, failure.words->format, failure.words->masks);
  check_masks(failure, failure.words->biases.value_or(failure.words->format), failure.words->bias_masks);
  for (const auto* scalings : {&failure.words->scalings, &failure.words->bias_scalings})
    for (std::size_t l = 0; l < std::min(scalings->size(), static_cast<std::size_t>(net.layers()) + 1); ++l)
      require((*scalings)[l].size() <= 1 || static_cast<Index>((*scalings)[l].size()) == net.own(static_cast<Index>(l)),
              failure.describe(), ": ", (*scalings)[l].size(), " scalings for the ", net.own(static_cast<Index>(l)),
              " neurons of layer ", l);
}

bool is_stored(const Failure& failure, const Site& site, double weight) {
  if (!failure.words || !on_parameters(failure.effect)) return true;
  return is_word(format_of(*failure.words, site), scaling_of(*failure.words, site), weight);
}

extern const Alternatives flipped_signal{most_masks, sends_signal, signal_range};
extern const Alternatives flipped_parameter{most_masks, sends_product, product_range, offers_parameter, parameter_becomes};

}  // namespace withstand
