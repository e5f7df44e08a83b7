// SPDX-License-Identifier: MIT
#include "search/layered/idle.hpp"

#include <functional>
#include <map>

namespace withstand::search {

// A bipartite matching between units owed and components: every quota takes what is free, and what is still missing
// then comes by augmenting paths, for quotas may share components.
std::optional<std::vector<Option>> fill(const std::vector<Index>& owed, const std::vector<Option>& idle) {
  std::map<Site, Option> given;  // component -> the option it is used for
  std::map<Site, bool> visited;
  std::vector<Index> missing = owed;
  for (const Option& option : idle)
    if (missing[option.quota] > 0 && given.try_emplace(option.site, option).second) --missing[option.quota];
  const std::function<bool(std::size_t)> serve = [&](std::size_t quota) {
    for (const Option& option : idle) {
      if (option.quota != quota || visited[option.site]) continue;
      visited[option.site] = true;
      const auto holder = given.find(option.site);
      if (holder == given.end() || (holder->second.quota != quota && serve(holder->second.quota))) {
        given[option.site] = option;
        return true;
      }
    }
    return false;
  };
  for (std::size_t q = 0; q < missing.size(); ++q)
    for (Index unit = 0; unit < missing[q]; ++unit) {
      visited.clear();
      if (!serve(q)) return std::nullopt;
    }
  std::vector<Option> result;
  for (const auto& [site, option] : given) result.push_back(option);
  return result;
}

}  // namespace withstand::search
