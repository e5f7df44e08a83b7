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
    for (Index p = 0; code != 0; ++p)
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

Walker::Run Walker::run() const {
  const Choice& last = choices_.back();
  const Grid::Stage& here = stage(choices_.size() - 1);
  const auto term = static_cast<std::size_t>(last.term);
  return {last.stage, last.term, here.member(term, last.position), static_cast<Index>(here.members[term].size())};
}

int Walker::next_prefix() {
  for (std::size_t depth = choices_.size() - 1; depth-- > 0;)
    if (advance(depth)) {
      complete(depth + 1);
      return static_cast<int>(depth);
    }
  return -1;
}

/// Move one choice to its next option, if the choices after it can still be completed.
bool Walker::advance(std::size_t depth) {
  const Grid::Stage& here = stage(depth);
  Choice& choice = choices_[depth];
  const std::uint32_t code = codes_[depth];
  int after = choice.term;
  for (Index p = choice.position; here.completions(p, code) > 0; ++p, after = -1)
    for (int term = after + 1; term < static_cast<int>(here.caps.size()); ++term)
      if (here.feasible(p, static_cast<std::size_t>(term), code)) {
        choice.position = static_cast<int>(p);
        choice.term = term;
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
                          : codes_[depth - 1] - stage(depth).stride[static_cast<std::size_t>(choices_[depth - 1].term)];
    choices_[depth].position = fresh ? -1 : choices_[depth - 1].position;
    choices_[depth].term = -1;
    const Grid::Stage& here = stage(depth);
    for (Index p = choices_[depth].position + 1; choices_[depth].term < 0; ++p)
      for (int term = 0; term < static_cast<int>(here.caps.size()); ++term)
        if (here.feasible(p, static_cast<std::size_t>(term), codes_[depth])) {
          choices_[depth].position = static_cast<int>(p);
          choices_[depth].term = term;
          break;
        }
  }
}

std::vector<Choice> unrank(const Grid& grid, const Grid::Class& cls, std::uint64_t rank) {
  return Walker(grid, cls, rank).choices();
}

}  // namespace withstand::enumerate
