// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "core/budget.hpp"
#include "search/opinions.hpp"
#include "withstand/parallel.hpp"

namespace withstand::search {

/// Work that may be interrupted; what it has done stays.
template <class Work>
void as_far_as_it_goes(const Work& work) {
  try {
    work();
  } catch (const Interrupted&) {  // whoever asks the budget knows
  }
}

/// The open nodes of a branch and bound, best bound first, the older of equals, and rounds over them. A node has a `bound`,
/// an `id`, the `row` of the domain it belongs to, and lighten(), which gives up what it can do without.
template <class Node>
class BestFirst {
 public:
  /// What became of a node that was taken up.
  struct Outcome {
    bool whole = true;  ///< else the work was interrupted, and the node is as open as it was
    double closed = -std::numeric_limits<double>::infinity();  ///< the largest bound that was given up
    std::vector<Node> children;
  };

  bool empty() const { return open_.empty(); }
  const Node& best() const { return open_.front(); }
  const std::vector<Node>& nodes() const { return open_; }
  std::uint64_t created() const { return created_; }
  std::uint64_t taken() const { return taken_; }  ///< nodes that rounds have dealt with

  /// No node, open or closed, does more.
  double bound() const { return open_.empty() ? closed_ : std::max(closed_, open_.front().bound); }
  double closed() const { return closed_; }  ///< no closed node does more
  void close(double bound) { closed_ = std::max(closed_, bound); }

  void push(Node node) {
    node.id = created_++;
    if (open_.size() > most_heavy) node.lighten();
    open_.push_back(std::move(node));
    std::push_heap(open_.begin(), open_.end(), later);
  }

  /// The best nodes, at most so many, while `may` holds of the best.
  template <class May>
  std::vector<Node> take(std::size_t most, const May& may) {
    std::vector<Node> some;
    while (!open_.empty() && some.size() < most && may(open_.front())) {
      std::pop_heap(open_.begin(), open_.end(), later);
      some.push_back(std::move(open_.back()));
      open_.pop_back();
    }
    return some;
  }
  /// All nodes of which `chosen` holds, in any order.
  template <class Chosen>
  std::vector<Node> take_all(const Chosen& chosen) {
    const auto first = std::partition(open_.begin(), open_.end(), [&](const Node& node) { return !chosen(node); });
    std::vector<Node> some(std::make_move_iterator(first), std::make_move_iterator(open_.end()));
    open_.erase(first, open_.end());
    std::make_heap(open_.begin(), open_.end(), later);
    return some;
  }
  /// The nodes in their order, which is a heap as well.
  const std::vector<Node>& sorted() {
    std::sort(open_.begin(), open_.end(), [](const Node& a, const Node& b) { return later(b, a); });
    return open_;
  }
  void clear() { open_.clear(); }

  /// Lower bounds to what other methods say of the nodes' rows, as far as so much work is worth it. Interruptible.
  template <class Heard>
  void consult(Opinions& opinions, double work, const Heard& heard) {
    while (!open_.empty()) {
      const std::optional<Vector> known = opinions.next(work);
      if (!known) return;
      heard(*known);
      for (Node& node : open_) node.bound = std::min(node.bound, (*known)(static_cast<Index>(node.row)));
      std::make_heap(open_.begin(), open_.end(), later);
    }
  }

  /// Take up a batch on several threads, by process(node, worker) -> Outcome or more. Results are merged in the order of the
  /// nodes, so that they do not depend on the threads; a node whose work was interrupted is open as before.
  template <class Process, class Merge>
  void round(std::vector<Node> batch, int threads, Budget& budget, const Process& process, const Merge& merge) {
    std::vector<decltype(process(batch.front(), 0))> outcomes(batch.size());
    parallel_for(batch.size(), threads, [&](std::uint64_t n, int worker) {
      outcomes[n].whole = false;
      as_far_as_it_goes([&] { outcomes[n] = process(batch[n], worker); });
    });
    std::size_t whole = 0;
    for (std::size_t n = 0; n < batch.size(); ++n) {
      if (!outcomes[n].whole) {
        push(std::move(batch[n]));
        continue;
      }
      ++whole;
      close(outcomes[n].closed);
      for (Node& child : outcomes[n].children) push(std::move(child));
      merge(outcomes[n]);
    }
    taken_ += whole;
    budget.spend(whole);
  }

 private:
  /// Open nodes beyond this number do without what takes far more memory than they do, such as ranges of their parents.
  static constexpr std::size_t most_heavy = 20000;

  static bool later(const Node& a, const Node& b) { return a.bound != b.bound ? a.bound < b.bound : a.id > b.id; }

  std::vector<Node> open_;  ///< a heap, best bound first
  double closed_ = -std::numeric_limits<double>::infinity();
  std::uint64_t created_ = 0, taken_ = 0;
};

}  // namespace withstand::search
