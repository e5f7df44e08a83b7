// SPDX-License-Identifier: MIT
#include "withstand/enumerate.hpp"

#include <algorithm>
#include <atomic>
#include <limits>
#include <sstream>
#include <stdexcept>

#include "batch_evaluator.hpp"
#include "core/budget.hpp"
#include "enumerate/gains.hpp"
#include "evaluate/overflow.hpp"
#include "failure/effects.hpp"
#include "withstand/failed.hpp"

namespace withstand::enumerate {
namespace {

/// Configurations per batch, a power of two that depends on the problem only, never on the machine: enough to pay for what
/// is set up once per input; where every layer is a product, at most about a second of work, so that threads balance, and
/// some tenths for each input, since Ctrl-C is answered between inputs.
std::uint64_t batch_size(const Network& net, const Space& space, Index inputs) {
  double each = 0;
  for (Index l = 1; l <= net.layers(); ++l)
    each += static_cast<double>(net.width(l)) * (static_cast<double>(net.width(l - 1)) + 32);
  const double work = each * static_cast<double>(inputs);
  const double total = space.magnitude();
  std::uint64_t size = 16384;
  while (size > 1024 && static_cast<double>(size) * std::max(work / 8, each) > 4e9) size /= 2;
  while (size > 256 && static_cast<double>(size) * 16 > total && static_cast<double>(size) * work > 1e9) size /= 2;
  return size;
}

void check_inputs(const Network& net, const Matrix& inputs, const Question& question) {
  std::ostringstream message;
  if (inputs.rows() == 0) message << "X has no rows, an enumeration needs at least one input";
  if (inputs.cols() != net.inputs()) message << "X has " << inputs.cols() << " columns, the network takes " << net.inputs() << " inputs";
  if (!inputs.allFinite()) message << "X must be finite";
  if (question.decisions && net.outputs() < 2) message << "decisions need at least 2 outputs, the network has " << net.outputs();
  if (question.top < 1) message << "at least one of the worst configurations must be kept";
  if (!message.str().empty()) throw std::invalid_argument(message.str());
}

/// Whether what fails rounds its signal to a word, so that a last bit may decide what is sent; or words are floats, some of
/// which are so large that no bound of the rounding beside them tells anything.
bool needs_canonical(const Space& space) {
  return std::any_of(space.terms().begin(), space.terms().end(), [](const Space::Term& term) {
    return term.failure.effect == Effect::bit_flip ||
           (term.failure.words && (term.failure.words->format.is_float() ||
                                   (term.failure.words->biases && term.failure.words->biases->is_float())));
  });
}

Problem make_problem(const Network& net, const Space& space, const Matrix& inputs, const Question& question) {
  check_inputs(net, inputs, question);
  check(space, net);
  require_no_overflow(net, space, Domain::points(inputs));
  Problem problem{net, Grid(net, space, batch_size(net, space, inputs.rows())), inputs, question, {}, {}, {}, 0, needs_canonical(space), {}};
  for (Index n = 0; n < inputs.rows(); ++n) {
    interruption_point();
    problem.nominal.push_back(trace(net, inputs.row(n).transpose()));
    Index c = 0;
    problem.nominal.back().post.back().maxCoeff(&c);
    problem.decision.push_back(c);
  }
  problem.slack = Vector::Zero(inputs.rows());
  problem.still.assign(static_cast<std::size_t>(net.outputs()), false);
  if (problem.canonical) return problem;  // an infinite word harms every output
  problem.still = still_outputs(net, space);
  problem.slack = rounding_bounds(net, problem.grid, inputs);
  if (!net.is_dense() && problem.grid.plain()) problem.slack = problem.slack.cwiseMin(rounding_by_gains(net, problem.grid, problem.nominal));
  problem.slack *= 4;  // two outputs, in two evaluations
  problem.largest_slack = problem.slack.maxCoeff();
  return problem;
}

struct Worker {
  Worker(const Problem& problem, Responses& responses) : judge(problem), evaluator(problem, responses) {}
  Judge judge;
  BatchEvaluator evaluator;
};

}  // namespace
}  // namespace withstand::enumerate

namespace withstand {

using namespace enumerate;  // NOLINT(google-build-using-namespace): this file is where the two meet

struct Enumerator::State {
  Problem problem;
};

Enumerator::Enumerator(const Network& network, const Space& space, const Matrix& inputs, const Question& question)
    : state_(new State{make_problem(network, space, inputs, question)}) {}
Enumerator::~Enumerator() = default;
Enumerator::Enumerator(Enumerator&&) noexcept = default;

std::vector<Site> Enumerator::components() const { return state_->problem.grid.components(); }
std::uint64_t Enumerator::configurations() const { return state_->problem.grid.configurations(); }
std::uint64_t Enumerator::batches() const { return state_->problem.grid.batches(); }
std::uint64_t Enumerator::batch_size() const { return state_->problem.grid.batch_size(); }
std::uint64_t Enumerator::rank(std::uint64_t batch) const { return state_->problem.grid.rank(batch); }

std::vector<Failed> Enumerator::failed(const Entry& entry) const {
  const Problem& problem = state_->problem;
  const std::vector<Manner>& manners = problem.grid.manners();
  const auto known = [&](int m) { return m >= 0 && static_cast<std::size_t>(m) < manners.size(); };
  if (entry.manners.size() != entry.sites.size() || entry.input < 0 || entry.input >= problem.inputs.rows() ||
      !std::all_of(entry.manners.begin(), entry.manners.end(), known))
    throw std::invalid_argument(problem.grid.space().describe() + ": the entry is of another enumeration");
  std::vector<Failed> failed;
  for (std::size_t n = 0; n < entry.sites.size(); ++n) {
    const Manner& manner = manners[static_cast<std::size_t>(entry.manners[n])];
    failed.push_back({entry.sites[n], manner.term, manner.way, 0});
  }
  return failed;
}

std::vector<Forced> Enumerator::witness(const Entry& entry) const {
  const Problem& problem = state_->problem;
  const std::vector<Failed> all = failed(entry);
  const Vector input = problem.inputs.row(entry.input).transpose();
  return values_of(problem.network, problem.grid.space(), forced_by(problem.network, problem.grid.space(), input, all), all);
}

double Enumerator::rounding() const { return state_->problem.largest_slack; }

Statistics Enumerator::run(std::uint64_t first, std::uint64_t last, int threads, const Watch& watch) const {
  const Problem& problem = state_->problem;
  if (first > last || last > problem.grid.batches())
    throw std::invalid_argument("batches must lie in [0, " + std::to_string(problem.grid.batches()) + "]");
  Responses responses(problem);
  std::vector<std::unique_ptr<Worker>> team(static_cast<std::size_t>(workers(last - first, threads)));
  for (auto& worker : team) worker = std::make_unique<Worker>(problem, responses);
  std::atomic<std::uint64_t> done{0};
  constexpr double for_ever = std::numeric_limits<double>::infinity();
  Budget going(Budget::unlimited, for_ever, heeding(watch ? [&](std::uint64_t) { return watch(done); } : Watch{}));
  const Interruptible here(going);
  const auto body = [&](std::uint64_t task, int worker) {
    Worker& self = *team[static_cast<std::size_t>(worker)];
    const Grid::Batch batch = problem.grid.batch(first + task);
    if (going.stopped()) return;
    try {
      self.judge.begin(batch);
      self.evaluator.evaluate(batch, self.judge);
      self.judge.finish();
      done += batch.size;
    } catch (const Interrupted&) {  // given up: it counts as not done
    }
  };
  parallel_for(last - first, threads, body, [&](std::uint64_t) { return !going.stopped(); });
  Statistics total(static_cast<std::size_t>(problem.outputs()), problem.question.top);
  for (const auto& worker : team) total.merge(worker->judge.statistics());
  return total;
}

}  // namespace withstand
