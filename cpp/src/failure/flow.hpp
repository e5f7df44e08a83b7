// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "withstand/types.hpp"

// What counts ask for, and whether there is enough of it.
namespace withstand::counting {

/// A count: of a term over all layers, or of a term in one layer.
struct Demand {
  Index cap = 0;
  bool exactly = false;
};

using Members = std::vector<std::size_t>;         // demands that a component is open to
/// Components alike: open to the same demands, and with as many ways to fail for each; noise, which is nothing to choose,
/// and intervals count as one.
struct Kind {
  Members members;
  std::vector<std::uint32_t> ways;
  bool operator<(const Kind& other) const {
    return members != other.members ? members < other.members : ways < other.ways;
  }
};
using Groups = std::map<Kind, std::uint64_t>;     // number of such components

struct Choice {
  std::vector<Demand> demands;
  Groups groups;
};

/// Components given to demands one after the other, along paths that make room (a maximum flow).
class Flow {
 public:
  explicit Flow(const Choice& choice) : given_(choice.demands.size()) {
    for (const auto& [kind, size] : choice.groups) groups_.push_back({&kind.members, static_cast<Index>(size)});
    open_.resize(choice.demands.size());
    for (std::size_t g = 0; g < groups_.size(); ++g)
      for (std::size_t d : *groups_[g].members) open_[d].push_back(g);
  }

  /// Give `amount` more components to a demand; false where there are not enough.
  bool give(std::size_t demand, Index amount) {
    while (amount > 0) {
      const Index got = along(demand, amount);
      if (got == 0) return false;
      amount -= got;
    }
    return true;
  }

 private:
  struct Group {
    const Members* members;
    Index left;
  };

  struct Step {
    std::size_t demand;
    std::size_t group;
  };

  /// Breadth first: the shortest path from the demand to a group with components left; return what went along it.
  Index along(std::size_t demand, Index amount) {
    std::vector<Step> from(groups_.size(), {SIZE_MAX, SIZE_MAX});  // who takes of a group, and gives back of which one
    std::vector<bool> seen(groups_.size(), false);
    std::vector<std::pair<std::size_t, std::size_t>> queue{{demand, SIZE_MAX}};
    std::vector<bool> asked(given_.size(), false);
    asked[demand] = true;
    for (std::size_t n = 0; n < queue.size(); ++n) {
      const auto [who, through] = queue[n];
      for (std::size_t g : open_[who]) {
        if (seen[g]) continue;
        seen[g] = true;
        from[g] = {who, through};
        if (groups_[g].left > 0) return push(g, amount, from);
        for (std::size_t other : *groups_[g].members)
          if (!asked[other] && given_[other].count(g) > 0 && given_[other][g] > 0) {
            asked[other] = true;
            queue.push_back({other, g});
          }
      }
    }
    return 0;
  }

  Index push(std::size_t group, Index amount, const std::vector<Step>& from) {
    Index got = std::min(amount, groups_[group].left);
    for (std::size_t g = group; from[g].group != SIZE_MAX; g = from[g].group)
      got = std::min(got, given_[from[g].demand][from[g].group]);
    groups_[group].left -= got;
    for (std::size_t g = group; g != SIZE_MAX; g = from[g].group) {
      given_[from[g].demand][g] += got;
      if (from[g].group != SIZE_MAX) given_[from[g].demand][from[g].group] -= got;
    }
    return got;
  }

  std::vector<Group> groups_;
  std::vector<std::vector<std::size_t>> open_;
  std::vector<std::map<std::size_t, Index>> given_;  // of each demand, from which group
};

}  // namespace withstand::counting
