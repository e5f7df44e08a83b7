// SPDX-License-Identifier: MIT
#include "enumerate/grid.hpp"

namespace withstand::enumerate {

const Grid::Stage& Walker::stage(std::size_t depth) const {
  return grid_->stages()[static_cast<std::size_t>(choices_[depth].stage)];
}

Walker::Walker(const Grid& grid, const Grid::Class& cls, std::uint64_t rank) : grid_(&grid), class_(&cls) {
  std::uint64_t suffix = cls.size;  // configurations of the stages from here on
  for (std::size_t s = 0; s < grid.stages().size(); ++s) {
    const Grid::Stage& here = grid.stages()[s];
    suffix /= here.completions(0, cls.codes[s]);
    std::uint64_t digit = rank / suffix;
    rank %= suffix;
    std::uint32_t code = cls.codes[s];
    for (Index p = 0; code != 0; ++p) {
      if (static_cast<int>(choices_.size()) + 1 == cls.failures) {
        take_last(s, p, code, digit);
        return;
      }
      for (std::size_t t = 0; t < here.caps.size(); ++t) {
        if (!here.feasible(p, t, code)) continue;
        const std::uint64_t block = here.completions(p + 1, code - here.stride[t]);
        if (digit >= block) {
          digit -= block;
          continue;
        }
        choices_.push_back({static_cast<int>(s), static_cast<int>(p), static_cast<int>(t)});
        codes_.push_back(code);
        code -= here.stride[t];
        break;  // a component fails once
      }
    }
  }
}

/// The last choice is the digit-th of the members from position p on, of one manner after the other.
void Walker::take_last(std::size_t stage, Index p, std::uint32_t code, std::uint64_t digit) {
  const Grid::Stage& here = grid_->stages()[stage];
  for (std::size_t manner = 0;; ++manner) {
    if (here.left(code, manner) == 0) continue;
    const auto first = static_cast<std::size_t>(here.first_from(manner, p));
    const std::size_t members = here.members[manner].size() - first;
    if (digit < members) {
      const int position = here.members[manner][first + static_cast<std::size_t>(digit)];
      choices_.push_back({static_cast<int>(stage), position, static_cast<int>(manner)});
      codes_.push_back(code);
      return;
    }
    digit -= members;
  }
}

Walker::Run Walker::run() const {
  const Choice& last = choices_.back();
  const Grid::Stage& here = stage(choices_.size() - 1);
  const auto manner = static_cast<std::size_t>(last.manner);
  return {last.stage, last.manner, here.member(manner, last.position), static_cast<Index>(here.members[manner].size())};
}

int Walker::next_prefix() {
  if (grid_->several_ways() && next_way()) return static_cast<int>(choices_.size()) - 1;
  for (std::size_t depth = choices_.size() - 1; depth-- > 0;)
    if (advance(depth)) {
      complete(depth + 1);
      return static_cast<int>(depth);
    }
  return -1;
}

/// The last choice goes back to its first member, of the next way of its term: no other term has failures left.
bool Walker::next_way() {
  const std::size_t depth = choices_.size() - 1;
  const bool alone = depth == 0 || choices_[depth - 1].stage != choices_[depth].stage;
  return begin_last(static_cast<std::size_t>(choices_[depth].manner) + 1, alone ? 0 : choices_[depth - 1].position + 1);
}

/// The last choice is the first member from position p on of the first manner from `manner` on that has one.
bool Walker::begin_last(std::size_t manner, Index p) {
  const Grid::Stage& here = stage(choices_.size() - 1);
  for (; manner < here.caps.size(); ++manner) {
    const auto first = static_cast<std::size_t>(here.first_from(manner, p));
    if (here.left(codes_.back(), manner) == 0 || first == here.members[manner].size()) continue;
    choices_.back().position = here.members[manner][first];
    choices_.back().manner = static_cast<int>(manner);
    return true;
  }
  return false;
}

/// Move one choice to its next option, if the choices after it can still be completed.
bool Walker::advance(std::size_t depth) {
  const Grid::Stage& here = stage(depth);
  Choice& choice = choices_[depth];
  const std::uint32_t code = codes_[depth];
  int after = choice.manner;
  for (Index p = choice.position; here.completions(p, code) > 0; ++p, after = -1)
    for (int manner = after + 1; manner < static_cast<int>(here.caps.size()); ++manner)
      if (here.feasible(p, static_cast<std::size_t>(manner), code)) {
        choice.position = static_cast<int>(p);
        choice.manner = manner;
        return true;
      }
  return false;
}

/// Give the choices from `depth` on their first options.
void Walker::complete(std::size_t depth) {
  for (; depth < choices_.size(); ++depth) {
    const bool fresh = choices_[depth].stage != choices_[depth - 1].stage;
    const auto s = static_cast<std::size_t>(choices_[depth].stage);
    codes_[depth] = fresh ? class_->codes[s]
                          : codes_[depth - 1] - stage(depth).stride[static_cast<std::size_t>(choices_[depth - 1].manner)];
    choices_[depth].position = fresh ? -1 : choices_[depth - 1].position;
    choices_[depth].manner = -1;
    const Grid::Stage& here = stage(depth);
    if (depth + 1 == choices_.size()) begin_last(0, choices_[depth].position + 1);
    for (Index p = choices_[depth].position + 1; choices_[depth].manner < 0; ++p)
      for (int manner = 0; manner < static_cast<int>(here.caps.size()); ++manner)
        if (here.feasible(p, static_cast<std::size_t>(manner), codes_[depth])) {
          choices_[depth].position = static_cast<int>(p);
          choices_[depth].manner = manner;
          break;
        }
  }
}

std::vector<Choice> unrank(const Grid& grid, const Grid::Class& cls, std::uint64_t rank) {
  return Walker(grid, cls, rank).choices();
}

}  // namespace withstand::enumerate
