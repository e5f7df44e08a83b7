// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <vector>

#include "search/meetings/singles.hpp"

namespace withstand::search {

/// Two failures over one execution, and what of both together is not what each does alone: the residual where they meet,
/// place by place, and followed from there through the network (docs/theory.md 12.6). The second is not before the first.
class Encounter {
 public:
  /// What a failure does alone to this execution: its touches, by layer. All of them, unless only `meet` is asked: then those
  /// where the activation may bend are enough.
  struct Alone {
    Site site;
    const Singles::Touch *begin, *end;
  };
  /// What following the residual to the outputs has shown.
  struct Followed {
    double moved = 0;    ///< the most an objective moves if pre-activations are off by what the pair makes of its sum
    double meeting = 0;  ///< the largest residual of one neuron, times its steepness
    const Few* outputs;  ///< what they differ in
  };

  Encounter(const Network& network, const Singles& singles);

  /// The execution: its pre-activations, which have to stay.
  void start(const std::vector<Vector>& pre) { pre_ = &pre; }
  void first(const Alone& failure);
  /// What the two can gain by meeting at most, whoever else is in the set, by the bends of the second.
  double most(const Alone& second) const;
  /// The residuals in a layer of what both do in sum, times what they can do to an objective.
  double meet(const Alone& second, Index layer) const;
  /// Whether a set stays hopeless: by the sum of all residuals, then layer by layer, each residual followed up to there.
  bool harmless(const Alone& second, const std::function<bool(double)>& hopeless);
  Followed follow(const Alone& second);

 private:
  void begin(const Alone& second);
  void end();
  void step(Index layer);
  template <class Sends>
  void step(Index layer, const Sends& sends);
  template <class Sends>
  double meet(const Alone& second, Index layer, const Sends& sends) const;
  double unheard(const Alone& second) const;
  double lost(const Alone& second) const;

  const Network& net_;
  const Singles& singles_;
  const std::vector<Vector>* pre_ = nullptr;
  Alone second_{{}, nullptr, nullptr};
  std::vector<double> one_, other_;  // per place, what the first and the second do to its pre-activation
  std::vector<double> beside_;       // and what both make of their sum
  std::vector<double> late_;         // per layer, the residuals of the sum
  std::vector<double> span_;         // per layer, how far apart two slopes of secants are, 0 among them
  std::vector<int> touched_;  // places of the first
  Few sums_, changes_, next_;
  Affine::Scratch scratch_;
  double largest_ = 0;
  const Singles::Touch* touch_ = nullptr;
};

}  // namespace withstand::search
