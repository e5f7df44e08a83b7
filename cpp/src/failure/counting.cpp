// SPDX-License-Identifier: MIT
// How many configurations a space has. Components that are open to the same counts form a group, and a group of n adds
// the factor (1 + x_a + x_b + ...)^n to a polynomial with one variable per count, of which the coefficients of allowed
// degrees are summed. Groups that share no count are multiplied; a degree is forgotten after the last group that adds
// to it.
#include "failure/counting.hpp"
#include "failure/flow.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>

namespace withstand {
namespace {

using namespace counting;  // NOLINT(google-build-using-namespace): its parts

/// Components of one layer that are open to the same demands: a merge of the terms' sorted candidates.
void add_layer(const Space& space, Index layer, const Members& demand_of, Groups& groups) {
  struct Queue {
    const Site* next;
    const Site* end;
    std::size_t demand;
    std::uint32_t all;        // ways of every component,
    const int* some;          // or of each, where they differ
    std::uint32_t ways() const { return some != nullptr ? static_cast<std::uint32_t>(*some) : all; }
    void advance() {
      ++next;
      if (some != nullptr) ++some;
    }
  };
  std::vector<Queue> queues;
  for (std::size_t t = 0; t < demand_of.size(); ++t) {
    const std::vector<Site>& sites = space.terms()[t].sites[static_cast<std::size_t>(layer)];
    if (demand_of[t] != SIZE_MAX && !sites.empty())
      queues.push_back({sites.data(), sites.data() + sites.size(), demand_of[t],
                        static_cast<std::uint32_t>(std::max(1, ways(space.terms()[t].failure))),
                        space.terms()[t].ways_of(layer)});
  }
  std::sort(queues.begin(), queues.end(), [](const Queue& a, const Queue& b) { return a.demand < b.demand; });
  Kind kind;
  while (queues.size() > 1) {
    Site first = *queues.front().next;
    for (const Queue& queue : queues) first = std::min(first, *queue.next);
    kind = {};
    for (Queue& queue : queues)
      if (*queue.next == first) {
        kind.members.push_back(queue.demand);
        kind.ways.push_back(queue.ways());
        queue.advance();
      }
    ++groups[kind];
    queues.erase(std::remove_if(queues.begin(), queues.end(), [](const Queue& q) { return q.next == q.end; }),
                 queues.end());
  }
  for (Queue& rest : queues) {
    if (rest.some == nullptr) groups[{{rest.demand}, {rest.all}}] += static_cast<std::uint64_t>(rest.end - rest.next);
    for (; rest.some != nullptr && rest.next != rest.end; rest.advance()) ++groups[{{rest.demand}, {rest.ways()}}];
  }
}

/// Noise strikes everywhere at once, and a count of 0 nowhere: neither offers a choice.
Choice choice_of(const Space& space) {
  Choice choice;
  const std::vector<Space::Term>& terms = space.terms();
  const auto demand = [&choice](Index cap, const Failure& failure) {
    if (cap == 0) return SIZE_MAX;
    choice.demands.push_back({cap, failure.exactly});
    return choice.demands.size() - 1;
  };
  Members totals(terms.size(), SIZE_MAX);
  for (std::size_t t = 0; t < terms.size(); ++t)
    if (terms[t].failure.total && is_counted(terms[t].failure.effect))
      totals[t] = demand(terms[t].failure.counts.front(), terms[t].failure);
  for (Index layer = 0; layer <= space.layers(); ++layer) {
    Members here = totals;
    for (std::size_t t = 0; t < terms.size(); ++t)
      if (!terms[t].failure.total) here[t] = demand(terms[t].count(layer), terms[t].failure);
    add_layer(space, layer, here, choice.groups);
  }
  return choice;
}

/// The groups, sorted into sets that share no demand.
std::vector<Groups> parts_of(const Choice& choice) {
  Members root(choice.demands.size());
  std::iota(root.begin(), root.end(), std::size_t{0});
  const auto find = [&root](std::size_t d) {
    while (root[d] != d) d = root[d] = root[root[d]];
    return d;
  };
  for (const auto& [kind, size] : choice.groups)
    for (std::size_t d : kind.members) root[find(d)] = find(kind.members.front());
  std::map<std::size_t, Groups> parts;
  for (const auto& [kind, size] : choice.groups) parts[find(kind.members.front())].emplace(kind, size);
  std::vector<Groups> all;
  for (auto& [d, groups] : parts) all.push_back(std::move(groups));
  return all;
}

std::uint64_t length(const Natural& value) { return value.limbs().size(); }
std::uint64_t length(double) { return 1; }

/// C(n, k + 1) from C(n, k).
void advance(Natural& ways, std::uint64_t n, std::uint64_t k) {
  ways *= static_cast<std::uint32_t>(n - k);
  ways /= static_cast<std::uint32_t>(k + 1);
}
void advance(double& ways, std::uint64_t n, std::uint64_t k) {
  ways *= static_cast<double>(n - k);
  ways /= static_cast<double>(k + 1);
}

void multiply(Natural& number, std::uint32_t factor) { number *= factor; }
void multiply(double& number, std::uint32_t factor) { number *= factor; }

/// Counts in naturals or in doubles, as long as the steps last.
template <class Number>
class Counter {
 public:
  explicit Counter(std::uint64_t steps) : left_(steps) {}

  /// Nothing where the steps ran out.
  std::optional<Number> operator()(const Choice& choice) {
    Number all = 1;
    for (const Groups& part : parts_of(choice)) {
      const Number here = count(choice.demands, part);
      if (!spend(length(all) * length(here))) return std::nullopt;
      all = all * here;
    }
    return left_ > 0 ? std::optional<Number>(all) : std::nullopt;
  }

 private:
  using Degrees = std::vector<Index>;              // of the demands that more groups add to; last: taken of this group
  using Polynomial = std::map<Degrees, Number>;

  bool spend(std::uint64_t steps) {
    left_ = steps > left_ ? 0 : left_ - steps;
    return left_ > 0;
  }

  Number count(const std::vector<Demand>& demands, const Groups& groups) {
    std::map<std::size_t, std::size_t> place;             // of each demand among the degrees
    std::map<std::size_t, const Kind*> last;              // group that adds to it last
    for (const auto& [kind, size] : groups)
      for (std::size_t d : kind.members) {
        place.emplace(d, place.size());
        last[d] = &kind;
      }
    Polynomial ways{{Degrees(place.size() + 1, 0), Number(1)}};
    for (const auto& [kind, size] : groups)
      for (std::size_t n = 0; n < kind.members.size(); ++n) {
        const std::size_t d = kind.members[n];
        const bool closes = last[d] == &kind, ends = d == kind.members.back();
        ways = give(ways, size, demands[d], kind.ways[n], place[d], closes, ends);
      }
    return ways.empty() ? Number(0) : std::move(ways.begin()->second);
  }

  /// Ways to give some of a group's components that are left to one demand; `ends` with it: the rest stays intact.
  Polynomial give(const Polynomial& ways, std::uint64_t size, const Demand& demand, std::uint32_t each, std::size_t place,
                  bool closes, bool ends) {
    Polynomial next;
    for (const auto& [degrees, number] : ways) {
      const auto free = size - static_cast<std::uint64_t>(degrees.back());
      const auto room = static_cast<std::uint64_t>(demand.cap - degrees[place]);
      const bool all = closes && demand.exactly;
      if (all && room > free) continue;
      const std::uint64_t most = std::min(free, room);
      Number chosen = 1;
      // of C(n, k) = C(n, n - k) the shorter way
      const std::uint64_t steps = all ? std::min(most, free - most) : most;
      for (std::uint64_t k = 0; k <= steps; ++k) {
        if (!all || k == steps) {
          if (!spend(400 + degrees.size() + length(number) * length(chosen) + 4 * length(number))) return {};
          const auto taken = static_cast<Index>(all ? most : k);
          Degrees more = degrees;
          more[place] = closes ? 0 : more[place] + taken;
          more.back() = ends ? 0 : more.back() + taken;
          next[std::move(more)] += each == 1 ? number * chosen : number * chosen * raised(each, taken);
        }
        if (k == steps) break;
        if (!spend(8 + 8 * length(chosen))) return {};
        advance(chosen, free, k);
      }
    }
    return next;
  }

  Number raised(std::uint32_t ways, Index power) {
    Number all = 1;
    for (Index n = 0; n < power && spend(8 + length(all)); ++n) multiply(all, ways);
    return all;
  }

  std::uint64_t left_;
};

}  // namespace

bool counting::fits(const Space& space) {
  const Choice choice = choice_of(space);
  Flow flow(choice);
  for (std::size_t d = 0; d < choice.demands.size(); ++d)
    if (choice.demands[d].exactly && !flow.give(d, choice.demands[d].cap)) return false;
  return true;
}

std::optional<Natural> Space::configurations(std::uint64_t steps) const {
  return Counter<Natural>(steps)(choice_of(*this));
}

double Space::magnitude(std::uint64_t steps) const {
  return Counter<double>(steps)(choice_of(*this)).value_or(std::numeric_limits<double>::infinity());
}

}  // namespace withstand
