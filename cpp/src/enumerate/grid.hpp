// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "withstand/space.hpp"

namespace withstand::enumerate {

/// How a component fails: a term of the space, and one of its effect's ways. Where every effect has one way, manners are
/// the terms.
struct Manner {
  std::size_t term = 0;
  int way = 0;
};

/// A failed component: position in a stage, and how it fails.
struct Choice {
  int stage = 0;
  int position = 0;
  int manner = 0;
};

/// A finite failure space laid out as a sequence. Configurations are grouped into classes (how many components of
/// each term fail in each stage, a stage being a layer with candidates), fewest failures first; inside a class the
/// stages are digits, the first one the most significant, and inside a stage sets are in lexicographic order of
/// (component, manner), but for the last failure, whose manner comes first. Ranks cut into batches of a fixed size give a
/// grid that belongs to the space, not to a run.
class Grid {
 public:
  /// One layer with candidates. Position p is the p-th component; a component may be open to several manners, and those
  /// of one term share its count.
  struct Stage {
    Index layer = 0;
    std::vector<Site> sites;                     ///< distinct, sorted
    std::vector<std::vector<int>> members;       ///< positions of each manner
    std::vector<std::vector<int>> behind;        ///< per manner and position: number of its first member behind it
    std::vector<int> caps;                       ///< most failures of each manner's term
    std::vector<std::uint32_t> stride;           ///< of each manner's term in the code of remaining counts
    std::uint32_t codes = 1;                     ///< number of codes
    std::vector<std::uint64_t> ways;             ///< completions(p, code), saturating

    /// Ways to take what `code` says is left from positions >= p.
    std::uint64_t completions(Index p, std::uint32_t code) const {
      return ways[static_cast<std::size_t>(p) * codes + code];
    }
    /// Number among the manner's members of a position that is one.
    int member(std::size_t manner, int position) const {
      return behind[manner][static_cast<std::size_t>(position)] - 1;
    }
    /// Number of the manner's first member at a position or behind it.
    int first_from(std::size_t manner, Index p) const {
      return p == 0 ? 0 : behind[manner][static_cast<std::size_t>(p - 1)];
    }
    /// Whether the component at a position is open to the manner.
    bool offers(Index p, std::size_t manner) const {
      const auto at = static_cast<std::size_t>(p);
      return behind[manner][at] > (at == 0 ? 0 : behind[manner][at - 1]);
    }
    int left(std::uint32_t code, std::size_t manner) const {
      return static_cast<int>(code / stride[manner]) % (caps[manner] + 1);
    }
    bool feasible(Index p, std::size_t manner, std::uint32_t code) const {
      return offers(p, manner) && left(code, manner) > 0 && completions(p + 1, code - stride[manner]) > 0;
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

  /// Throws std::invalid_argument when a term is not finite, or there are 2^63 configurations or more.
  Grid(const Network& network, const Space& space, std::uint64_t batch_size);

  const Space& space() const { return space_; }
  const std::vector<Stage>& stages() const { return stages_; }
  const std::vector<Class>& classes() const { return classes_; }
  const Site& site(const Choice& choice) const {
    return stages_[static_cast<std::size_t>(choice.stage)].sites[static_cast<std::size_t>(choice.position)];
  }
  /// The components of a configuration, and how they fail.
  std::vector<Failed> failed(const Choice* choices, std::size_t count) const;
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
  const std::vector<Manner>& manners() const { return manners_; }
  /// Whether each component is one neuron or synapse, and fails whatever its signal: then
  bool plain() const { return plain_; }
  /// is what a component that fails in this manner transmits (neuron) or delivers (synapse).
  double value(std::size_t manner) const { return values_[manner]; }
  /// Whether some component may fail in several ways of one term.
  bool several_ways() const { return manners_.size() > space_.terms().size(); }

 private:
  void add_stage(const Network& network, Index layer);
  void add_classes(std::vector<std::uint32_t>& codes, std::vector<Index>& used, std::size_t stage, std::size_t term);
  void finish_class(const std::vector<std::uint32_t>& codes, const std::vector<Index>& used);

  Space space_;
  bool plain_;
  std::vector<Manner> manners_;
  std::vector<double> values_;        // of each manner
  std::vector<std::size_t> first_;    // manner of each term
  std::vector<Stage> stages_;
  std::vector<Class> classes_;
  std::uint64_t configurations_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t batch_size_;
};

/// Walks the configurations of a class in order. All choices but the last form a prefix; the last one runs over
/// consecutive members of its manner, so that a run of configurations differs in one component only.
class Walker {
 public:
  struct Run {
    int stage = 0;
    int manner = 0;
    Index first = 0;  ///< index into stage.members[manner]
    Index last = 0;   ///< one past the end
  };

  /// Starts at the configuration of rank `rank` of the class.
  Walker(const Grid& grid, const Grid::Class& cls, std::uint64_t rank);

  const std::vector<Choice>& choices() const { return choices_; }
  Run run() const;
  /// Go to the next prefix, or to the next way of the last choice; returns the index of the first choice that changed, or
  /// -1 at the end of the class.
  int next_prefix();

 private:
  void take_last(std::size_t stage, Index p, std::uint32_t code, std::uint64_t digit);
  bool next_way();
  bool begin_last(std::size_t manner, Index p);
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
