// SPDX-License-Identifier: MIT
#include "search/adapters/enumeration.hpp"

#include <algorithm>
#include <cmath>

#include "core/rounding.hpp"
#include "search/incumbent.hpp"
#include "withstand/enumerate.hpp"
#include "withstand/failed.hpp"

namespace withstand::search {
namespace {

Witness witness_of(const Enumerator& engine, const Entry& entry, const Matrix& inputs) {
  return {engine.witness(entry), inputs.row(entry.input).transpose(), entry.input, entry.output, entry.error,
          engine.failed(entry)};
}

}  // namespace

SearchResult enumerated(const Network& net, const Space& space, const Domain& domain, const SearchOptions& options,
                        double ceiling, Budget& budget) {
  bool points = true;
  for (Index n = 0; n < domain.size(); ++n) points = points && domain.is_point(n);
  const Matrix inputs = 0.5 * domain.lower + 0.5 * domain.upper;
  SearchResult result;
  result.lower = -infinity;
  result.upper = ceiling;
  result.status = SearchStatus::budget;
  if (!space.finite() || space.magnitude() > 9e18) return result;
  Question question;
  question.decisions = options.goal == Goal::argmax;
  question.top = 1;
  const Enumerator engine(net, space, inputs, question);
  Statistics all(static_cast<std::size_t>(net.outputs()), 1);
  std::uint64_t batch = 0;
  const std::uint64_t some = std::max<std::uint64_t>(1, engine.batches() / 1000);
  for (; batch < engine.batches() && !budget.stopped(); batch += some) {  // classes of few failures come first
    const std::uint64_t end = std::min(engine.batches(), batch + some);
    all.merge(engine.run(batch, end, options.threads, [&](std::uint64_t) { return budget.poll(all.count); }));
    const std::uint64_t nodes = (all.count + 63) / 64;
    if (nodes > budget.nodes() && !budget.spend(nodes - budget.nodes())) break;
    if (!all.top.empty() && ceiling <= all.top.front().error) break;
  }
  result.evaluations = all.count * static_cast<std::uint64_t>(inputs.rows());
  result.nodes = budget.nodes();
  if (!all.top.empty()) {
    result.lower = all.top.front().error;
    result.witness = witness_of(engine, all.top.front(), inputs);
  }
  const bool complete = points && all.count == engine.configurations();
  // Two evaluations differ by no more than the engine's; the witness has been evaluated as replays are: it is one of them.
  if (complete) result.rounding = std::isfinite(result.lower) ? 0.5 * engine.rounding() : 0;
  if (complete || result.lower >= ceiling) {
    result.status = SearchStatus::exact;
    result.upper = complete ? add_up(result.lower, result.rounding) : result.lower;
    if (result.lower == infinity) result.upper = infinity;
  } else if (budget.stopped()) {
    result.status = status_of(budget.reason());
  }
  result.upper = std::max(result.upper, result.lower);
  return result;
}

}  // namespace withstand::search
