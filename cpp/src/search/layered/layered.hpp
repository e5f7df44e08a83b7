// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "core/lines.hpp"
#include "core/budget.hpp"
#include "search/choices.hpp"
#include "search/incumbent.hpp"
#include "search/layered/reach.hpp"

namespace withstand::search {

/// The weights as a walk wants them: row i of layer l holds the weights that leave neuron i, padded to whole vectors. Of a
/// map that is no matrix and would fill the memory as one, the map itself.
struct Columns {
  struct Layer {
    LineDoubles entries;  ///< N_{l-1} x padded N_l; empty where `map` is asked
    LineDoubles bias;     ///< padded
    const Affine* map = nullptr;

    Eigen::Map<const Matrix> rows() const {
      const auto padded = static_cast<Index>(bias.size());
      return {entries.data(), static_cast<Index>(entries.size()) / padded, padded};
    }

    /// out = base + W y, of which only `count` signals are not 0: those of `index`, with the values of `scale`.
    void combine(const double* base, long count, const int* index, const double* scale, double* out) const;
  };
  std::vector<Layer> layers;  ///< 1..L+1; entry 0 is empty
  explicit Columns(const Network& network);
};

class Potential;

/// Exact maximum of a harm at one input over a finite failure space: *layered enumeration*.
///
/// Go through the stages of the computation; in each, branch only on components whose current signal is not already
/// what failure makes it (a crashed neuron that transmits 0 changes nothing); one forward step is shared by all
/// continuations of a state; the last stage is closed by selection: given everything before, an objective is a sum over
/// its failures and the largest gains attain it. Where a `Potential` is given, what cannot reach the incumbent any more is
/// left out. Options that change nothing cost nothing and fill "exactly" quotas.
/// Nothing means nothing in real arithmetic: a signal that is 0 only because it was rounded counts as one that is not.
class Layered {
 public:
  struct Problem {
    const Network& network;
    const Columns& columns;
    const Harm& harm;
    ConstVectorRef input;
    Index input_index;
    const Reach* reach;      ///< what the signals can be, and what they are rounded by
    const Precise* precise;  ///< null where evaluations are exact
  };

  /// `noise` bounds how far the harm of a walk is from the canonical one; states within it of the incumbent are
  /// replayed. Ends early, with nothing proved, when `budget` stops or the thread's work is to end.
  Layered(const Problem& problem, const Choices& choices, double noise, Incumbent& incumbent, Budget& budget,
          const Potential* potential = nullptr);
  ~Layered();

  /// A share of the walk: the first failure that changes something is one of these options.
  struct Part {
    std::size_t stage;  ///< of the first failure; beyond the last stage: no failure before the closing selection
    std::size_t first, last;
  };
  /// The walk splits into this many independent parts, the same on every machine.
  std::uint64_t parts() const;
  Part part(std::uint64_t n) const;
  void run(std::uint64_t part);
  void run();  ///< all parts
  std::uint64_t evaluations() const;

 private:
  class Walk;
  std::unique_ptr<Walk> walk_;
};

}  // namespace withstand::search
