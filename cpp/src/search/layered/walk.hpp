// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

#include "kernels/kernels.hpp"
#include "search/layered/layered.hpp"
#include "search/layered/potential.hpp"

namespace withstand::search {

/// One worker's depth-first walk: the state, and the buffers of every level.
class Layered::Walk {
 public:
  Walk(const Problem& problem, const Choices& choices, double noise, Incumbent& incumbent, Budget& budget,
       const Potential* potential);

  const std::vector<Part>& parts() const { return parts_; }
  void run(const Part& part);
  std::uint64_t evaluations() const { return evaluations_; }

 private:
  /// An option that changes something in the current state, and by how much its signal (product) moves.
  struct Live {
    const Option* option = nullptr;
    std::size_t position = 0;
    double delta = 0;
  };
  /// What is known of a state before anything else fails.
  struct Ahead {
    double harm = 0;
    std::vector<double> all, rest;  ///< most that all failures left can add, and all but one, from each stage on
    std::vector<LineDoubles> gains;  ///< most that a neuron of each layer adds; padded, -inf where it cannot fail
  };
  /// Neurons of a layer that may fail: the least and the most that they then transmit, what rounding adds to a gain (-inf where
  /// they may not), and the position of their first option. Padded.
  struct Failing {
    LineDoubles least, most, slack;
    std::vector<std::size_t> first;
  };
  struct Level {
    std::vector<Live> live;
    std::vector<Option> idle;                   ///< options of "exactly" quotas that change nothing
    std::vector<LineDoubles> buffers;   ///< pre-activations after 0, 1, ... failures of this stage
  };

  void split();
  void receive(Index layer, const double* pre);
  void transmit(Index layer, const double* pre);
  void send(Index layer);
  void find_flats();
  bool certain(Index layer, Index neuron) const;
  bool weightless(const Choices::Stage& stage, const Option& option) const {
    return stage.synapses && problem_.network.map(stage.layer).weight(option.site.to, option.site.from) == 0;
  }
  void survey(std::size_t stage);
  void leave(std::size_t stage);
  void branch(std::size_t stage, std::size_t first, std::size_t depth, const double* pre);
  void apply(const Live& live, const double* pre, double* out);
  bool allows(const Live& now) const;
  void prepare_ahead();
  void look_ahead(std::size_t stage, const double* pre);
  bool futile(std::size_t stage) const;
  bool harmless(Index layer, const double* pre) const;
  /// A gain from which on a state may reach the incumbent.
  double missing(const Ahead& ahead) const { return incumbent_.harm() - 2 * noise_ - ahead.harm; }
  /// Whether what the last failure changes is bounded in this layer: in the last two hidden ones, earlier too little of it is
  /// harmless.
  bool looks_at(Index layer) const {
    const Index depth = problem_.network.depth();
    return before_ != nullptr && layer + 1 >= depth && layer <= depth && rectifies(layer);
  }
  bool rectifies(Index layer) const { return rectifies_[static_cast<std::size_t>(layer)]; }
  bool futile(std::size_t stage, const Live& next) const;
  void proceed(std::size_t stage, const double* pre);
  bool concludes(std::size_t stage) const;
  void last(std::size_t stage, std::size_t first, std::size_t depth, const double* pre);
  void last_anywhere(std::size_t stage, std::size_t first, std::size_t depth, const double* pre);
  void gather(std::size_t stage, std::size_t begin);
  void last_of(std::size_t stage, std::size_t begin, const double* pre, double* out);
  void conclude(Index layer, const double* pre, bool looked = false);
  const double* forward(Index layer, const double* pre, LineDoubles& y);
  void activate(Index layer, const double* pre, LineDoubles& y);
  const double* pass_on(Index layer, const LineDoubles& y);
  const double* combined(Index layer, long count);
  void finish(const double* z);
  void close(const double* z);
  void measure(Index objective);
  void choose(Index objective, Index least, Index most);
  std::optional<Contest> contest(Index objective, const std::vector<std::size_t>& order, Index least, Index most) const;
  std::vector<Forced> forced(const std::vector<const Option*>& chosen) const;
  void replay(const std::vector<const Option*>& chosen, std::optional<Contest> contest = {});
  bool payable() const;
  std::vector<Option> idle_options() const;
  /// Count an evaluation.
  bool count() {
    constexpr std::uint64_t batch = 64;
    if (++evaluations_ % batch == 0) budget_.spend(batch);
    return !budget_.stopped();
  }
  /// Count operations, and after some tenths of a millisecond of them look whether to go on: `budget_` knows then.
  void work(std::size_t operations) {
    constexpr std::size_t look_after = 1 << 19;
    work_ += operations + 64;
    if (work_ < look_after) return;
    work_ = 0;
    goes_on();
  }
  /// Count a step from a layer to the next one.
  void step(Index layer) { work(steps_[static_cast<std::size_t>(layer)]); }
  double* buffer(std::size_t stage, std::size_t depth) {
    auto& buffers = levels_[stage].buffers;
    while (buffers.size() <= depth) buffers.emplace_back(static_cast<std::size_t>(
        problem_.columns.layers[(stage + 2) / 2].bias.size()));  // stages 2l - 1 and 2l - 2 both hold pre-activations of layer l
    return buffers[depth].data();
  }

  Problem problem_;
  Choices choices_;
  double noise_;
  Incumbent& incumbent_;
  Budget& budget_;
  const Potential* potential_;   ///< may be null

  const Kernels& kernels_;
  bool exactly_;
  bool closes_;                  ///< the last stage is closed by selection ...
  std::size_t last_stage_ = 0;
  std::size_t untouched_ = 0;    ///< from this stage on nothing is decided to fail
  struct Flats {
    Eigen::ArrayXd low, high;
  };
  std::vector<Flats> flats_;             ///< of layers 1..L
  std::vector<const double*> received_;  ///< pre-activations of each layer that has been reached
  std::size_t closing_ = 0;      ///< ... of this quota
  Matrix objectives_;            ///< rows of the harm times W^(L+1)

  Part part_{};
  std::vector<Part> parts_;
  std::vector<Index> left_;      ///< per quota: failures that may still be taken
  Index open_ = 0;               ///< their sum
  std::vector<Index> idle_;      ///< per "exactly" quota: options met that change nothing
  std::vector<const Option*> taken_;
  std::vector<Level> levels_;
  std::vector<Ahead> ahead_;           ///< of the states with 0, 1, ... failures taken; nothing is known of the first
  std::vector<Failing> failing_;       ///< by layer
  const Ahead* before_ = nullptr;      ///< of the state that the last failure changes, while its signals are kept
  bool seen_ = false;                  ///< what the layers to come transmit and receive has been computed by look_ahead
  std::vector<double> largest_;        ///< scratch
  std::vector<int> next_;
  std::vector<Live> lasts_;            ///< failures that may be the last one
  LineDoubles rises_;
  std::vector<LineDoubles> signals_, sent_;  ///< of the state, and behind one more failure; padded
  std::vector<Live> candidates_;       ///< of the closing selection
  std::vector<double> gains_;
  std::vector<int> index_;
  LineDoubles scale_;
  std::vector<char> rectifies_;        ///< by layer: all its neurons are rectifiers, none a wire
  std::vector<std::size_t> steps_;     ///< operations of a step from each layer
  std::uint64_t evaluations_ = 0;
  std::size_t work_ = 0;  ///< since the last look whether to go on
};

}  // namespace withstand::search
