// SPDX-License-Identifier: MIT
#include "search/completed.hpp"

#include <algorithm>

#include "search/layered/idle.hpp"

namespace withstand::search {

std::optional<Witness> completed(const Network& net, const Choices& choices, Witness witness) {
  const Trace faulty = trace(net, witness.input, witness.failed);
  std::vector<Index> owed;
  for (const Choices::Quota& quota : choices.quotas) owed.push_back(quota.exactly ? quota.count : 0);
  std::vector<Option> idle;
  for (const Choices::Stage& stage : choices.stages)
    for (const Option& o : stage.options) {
      const Vector& y = faulty.post[static_cast<std::size_t>(o.site.is_synapse() ? o.site.layer - 1 : o.site.layer)];
      const auto used = std::find_if(witness.failed.begin(), witness.failed.end(),
                                     [&](const Forced& f) { return f.site == o.site; });
      if (used != witness.failed.end() && used->value == o.value && choices.quotas[o.quota].exactly) --owed[o.quota];
      if (used == witness.failed.end() && (o.site.is_synapse() ? y(o.site.from) == 0 : y(o.site.to) == o.value))
        idle.push_back(o);
    }
  const auto filled = fill(owed, idle);
  if (!filled) return std::nullopt;
  for (const Option& option : *filled) witness.failed.push_back({option.site, option.value});
  std::sort(witness.failed.begin(), witness.failed.end(),
            [](const Forced& a, const Forced& b) { return a.site < b.site; });
  return witness;
}

}  // namespace withstand::search
