// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "withstand/space.hpp"

namespace withstand::enumerate {

/// A finite failure space laid out as a sequence. Configurations are grouped into classes (how many components of
/// each term fail in each stage, a stage being a layer with candidates), fewest failures first; inside a class the
/// stages are digits, the first one the most significant, and inside a stage sets are in lexicographic order of
/// (component, term). Ranks cut into batches of a fixed size give a grid that belongs to the space, not to a run.
class Grid {
 public:
  /// One layer with candidates. Position p is the p-th component; a component may be open to several terms.
  struct Stage {
    Index layer = 0;
    std::vector<Site> sites;                     ///< distinct, sorted
    std::vector<std::vector<int>> members;       ///< positions of each term
    std::vector<std::vector<int>> behind;        ///< per term and position: number of its first member behind it
    std::vector<int> caps;                       ///< most failures of each term
    std::vector<std::uint32_t> stride;           ///< of each term in the code of remaining counts
    std::uint32_t codes = 1;                     ///< number of codes
    std::vector<std::uint64_t> ways;             ///< completions(p, code), saturating

    /// Ways to take what `code` says is left from positions >= p.
    std::uint64_t completions(Index p, std::uint32_t code) const {
      return ways[static_cast<std::size_t>(p) * codes + code];
    }
    /// Number among the term's members of a position that is one.
    int member(std::size_t term, int position) const { return behind[term][static_cast<std::size_t>(position)] - 1; }
    /// Whether the component at a position is open to the term.
    bool offers(Index p, std::size_t term) const {
      const auto at = static_cast<std::size_t>(p);
      return behind[term][at] > (at == 0 ? 0 : behind[term][at - 1]);
    }
    int left(std::uint32_t code, std::size_t term) const {
      return static_cast<int>(code / stride[term]) % (caps[term] + 1);
    }
    bool feasible(Index p, std::size_t term, std::uint32_t code) const {
      return offers(p, term) && left(code, term) > 0 && completions(p + 1, code - stride[term]) > 0;
    }
  };

  struct Class {
    std::vector<std::uint32_t> codes;  ///< counts of each stage
    int failures = 0;
    std::uint64_t size = 0;
    std::uint64_t first = 0;           ///< rank of its first configuration in the space
    std::uint64_t first_batch = 0;
  };

  /// A contiguous range of one class.
  struct Batch {
    std::size_t cls = 0;
    std::uint64_t begin = 0;  ///< rank inside the class
    std::uint64_t size = 0;
  };

  /// Throws std::invalid_argument when a term is not finite or there are 2^63 configurations or more.
  Grid(const Space& space, std::uint64_t batch_size);

  const Space& space() const { return space_; }
  const std::vector<Stage>& stages() const { return stages_; }
  const std::vector<Class>& classes() const { return classes_; }
  /// Every component that may fail, stage by stage, hence sorted.
  std::vector<Site> components() const;
  std::uint64_t configurations() const { return configurations_; }
  std::uint64_t batches() const { return batches_; }
  std::uint64_t batch_size() const { return batch_size_; }
  Batch batch(std::uint64_t index) const;
  /// Configurations in the batches before this one.
  std::uint64_t rank(std::uint64_t batch) const;
  /// Failures of a class in a stage, all terms together.
  int failures(const Class& cls, std::size_t stage) const;
  /// Value that a failed component of this term transmits (neuron) or delivers (synapse).
  double value(std::size_t term) const;

 private:
  void add_stage(Index layer);
  void add_classes(std::vector<std::uint32_t>& codes, std::vector<Index>& used, std::size_t stage, std::size_t term);
  void finish_class(const std::vector<std::uint32_t>& codes, const std::vector<Index>& used);

  Space space_;
  std::vector<Stage> stages_;
  std::vector<Class> classes_;
  std::uint64_t configurations_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t batch_size_;
};

/// A failed component: position in a stage, and the term it belongs to.
struct Choice {
  int stage = 0;
  int position = 0;
  int term = 0;
};

/// Walks the configurations of a class in order. All choices but the last form a prefix; the last one runs over
/// consecutive members of its term, so that a run of configurations differs in one component only.
class Walker {
 public:
  struct Run {
    int stage = 0;
    int term = 0;
    Index first = 0;  ///< index into stage.members[term]
    Index last = 0;   ///< one past the end
  };

  /// Starts at the configuration of rank `rank` of the class.
  Walker(const Grid& grid, const Grid::Class& cls, std::uint64_t rank);

  const std::vector<Choice>& choices() const { return choices_; }
  Run run() const;
  /// Go to the next prefix; returns the index of the first choice that changed, or -1 at the end of the class.
  int next_prefix();

 private:
  bool advance(std::size_t depth);
  void complete(std::size_t depth);
  const Grid::Stage& stage(std::size_t depth) const;

  const Grid* grid_;
  const Grid::Class* class_;
  std::vector<Choice> choices_;
  std::vector<std::uint32_t> codes_;  // what is left of the stage's counts before each choice
};

/// visit(choices, run, offset in the batch, first choice that changed) for every run of a batch.
template <class Visit>
void each_run(const Grid& grid, const Grid::Batch& batch, const Visit& visit) {
  Walker walker(grid, grid.classes()[batch.cls], batch.begin);
  std::size_t from = 0;
  for (std::uint64_t offset = 0;;) {
    Walker::Run run = walker.run();
    run.last = std::min(run.last, run.first + static_cast<Index>(batch.size - offset));
    visit(walker.choices(), run, offset, from);
    offset += static_cast<std::uint64_t>(run.last - run.first);
    if (offset == batch.size) return;
    from = static_cast<std::size_t>(walker.next_prefix());
  }
}

/// The failed components of configuration `rank` of a class, sorted, with their values.
std::vector<Choice> unrank(const Grid& grid, const Grid::Class& cls, std::uint64_t rank);

}  // namespace withstand::enumerate
