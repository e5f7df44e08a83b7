// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <vector>

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
    const Option* option;
    std::size_t position;
    double delta;
    double gain;  ///< at most, in harm; where potentials are known
  };
  /// What is known of a state before anything else fails.
  struct Ahead {
    double harm = 0;
    std::vector<double> all, rest;  ///< most that all failures left can add, and all but one, from each stage on
    std::vector<std::vector<double>> sent;  ///< by each late layer, padded
  };
  struct Level {
    std::vector<Live> live;
    std::vector<Option> idle;                   ///< options of "exactly" quotas that change nothing
    std::vector<std::vector<double>> buffers;   ///< pre-activations after 0, 1, ... failures of this stage
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
  /// What the last failure changes is bounded in the last two hidden layers: earlier, too little of it is harmless.
  bool is_late(Index layer) const { return layer + 1 >= problem_.network.depth(); }
  bool rectifies(Index layer) const {
    return problem_.network.activation(layer).rectifier() && problem_.network.own(layer) == problem_.network.width(layer);
  }
  bool futile(std::size_t stage, const Live& next) const;
  void proceed(std::size_t stage, const double* pre);
  bool concludes(std::size_t stage) const;
  void last(std::size_t stage, std::size_t first, std::size_t depth, const double* pre);
  void conclude(Index layer, const double* pre);
  const double* forward(Index layer, const double* pre);
  void activate(Index layer, const double* pre);
  const double* pass_on(Index layer);
  const double* combined(Index layer, long count);
  void step(Index layer);
  void finish(const double* z);
  void close(const double* z);
  void measure(Index objective);
  void choose(Index objective, Index least, Index most);
  std::optional<Contest> contest(Index objective, const std::vector<std::size_t>& order, Index least, Index most) const;
  std::vector<Forced> forced(const std::vector<const Option*>& chosen) const;
  void replay(const std::vector<const Option*>& chosen, std::optional<Contest> contest = {});
  bool payable() const;
  std::vector<Option> idle_options() const;
  bool count();
  void work(std::size_t operations);
  double* buffer(std::size_t stage, std::size_t depth);

  Problem problem_;
  Choices choices_;
  double noise_;
  Incumbent& incumbent_;
  Budget& budget_;
  const Potential* potential_;   ///< may be null

  long (*nonzero_)(long, const double*, int*, double*);
  long (*positive_)(long, double, const double*, int*, double*);
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
  bool seen_ = false;                  ///< what the layers to come transmit and receive has been computed by look_ahead
  std::vector<double> largest_;        ///< scratch
  std::vector<std::vector<double>> signals_;
  std::vector<Live> candidates_;       ///< of the closing selection
  std::vector<double> gains_;
  std::vector<int> index_;
  std::vector<double> scale_;
  std::uint64_t evaluations_ = 0;
  std::size_t work_ = 0;  ///< since the last look whether to go on
};

}  // namespace withstand::search
