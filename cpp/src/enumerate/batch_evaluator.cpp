// SPDX-License-Identifier: MIT
#include "batch_evaluator.hpp"

#include <algorithm>

#include "kernels/kernels.hpp"
#include "withstand/parallel.hpp"

namespace withstand::enumerate {
namespace {

constexpr Index columns = 96;  // of a block: a few vector registers wide, and small enough for the first-level cache
constexpr Index most_members = 4096;      // of a stage whose rows are kept
constexpr double most_responses = 1e9;    // bytes of one

}  // namespace

BatchEvaluator::BatchEvaluator(const Problem& problem, Responses& responses)
    : problem_(problem),
      net_(problem.network),
      grid_(problem.grid),
      walk_(problem),
      linear_(problem, responses.large()),
      reached_(problem.network),
      parts_(problem),
      single_(problem),
      responses_(responses) {
  errors_.resize(static_cast<std::size_t>(columns));
  worst_.resize(static_cast<std::size_t>(net_.outputs()));
}

/// Whether a class is evaluated by rows: depends on the problem only, so that every worker decides alike.
bool BatchEvaluator::by_rows(const Grid::Class& cls) const {
  if (!problem_.question.eliminate) return false;
  std::size_t last = 0;
  for (std::size_t s = 0; s < grid_.stages().size(); ++s)
    if (cls.codes[s] != 0) last = s;
  const Index layer = grid_.stages()[last].layer;
  if (layer >= net_.layers() || walk_.has_synapses(last) || !Response::applies(net_, responses_.lowest() + 1)) return false;
  if (static_cast<Index>(grid_.stages()[last].sites.size()) > most_members) return false;
  const double work = static_cast<double>(grid_.batch_size()) * static_cast<double>(net_.widest() * net_.widest());
  if (Response::bytes(net_, responses_.lowest()) > most_responses) return false;
  return responses_.all() || Response::cost(net_, responses_.lowest()) < work / 4;
}

/// Failing neurons whose receivers are few, as those of convolutions.
bool BatchEvaluator::by_reach(const Grid::Class& cls) const {
  if (net_.is_dense()) return false;
  for (std::size_t s = 0; s < grid_.stages().size(); ++s)
    if (cls.codes[s] != 0 && walk_.has_synapses(s)) return false;
  return true;
}

std::unique_ptr<Reaction> BatchEvaluator::reaction() const {
  std::vector<Vector> pre;
  for (Index l = 0; l <= net_.layers(); ++l) pre.push_back(walk_.pre(l));
  const bool decisions = problem_.question.decisions;
  const Index c = decisions ? problem_.decision[static_cast<std::size_t>(walk_.input())] : -1;
  Response response(net_, pre, responses_.lowest(), c, changes(), grid_.classes().back().failures);
  return std::make_unique<Reaction>(std::move(response), grid_);
}

/// Least and most change of every signal of the first failing layer; nothing where leaving hinges out would cost more than
/// it saves: one layer of several meets few configurations, but a large response costs memory whatever it is for.
Matrix BatchEvaluator::changes() const {
  const Grid::Stage& stage = grid_.stages().front();
  const double products = static_cast<double>(net_.width(stage.layer)) * static_cast<double>(net_.width(stage.layer + 1));
  const bool often = grid_.stages().size() == 1 && static_cast<double>(grid_.configurations()) >= 8 * products;
  const bool large = responses_.large() && !walk_.has_synapses(0);
  if (!often && !large) return {};
  Matrix changes = Matrix::Zero(net_.width(stage.layer), 2);
  for (std::size_t t = 0; t < stage.members.size(); ++t)
    for (int p : stage.members[t]) {
      const Index node = stage.sites[static_cast<std::size_t>(p)].to;
      const double change = grid_.value(t) - walk_.post(stage.layer)(node);
      changes(node, 0) = std::min(changes(node, 0), change);
      changes(node, 1) = std::max(changes(node, 1), change);
    }
  return changes;
}

void BatchEvaluator::evaluate(const Grid::Batch& batch, Judge& judge) {
  const Grid::Class& cls = grid_.classes()[batch.cls];
  const bool single = !grid_.plain() && single_.applies(cls);
  if (single) single_.begin(batch);
  else if (cls.failures > 0) plan(batch);
  for (Index input = 0; input < problem_.inputs.rows(); ++input) {
    interruption_point();
    walk_.begin_input(input);
    if (cls.failures == 0)
      intact(judge);
    else if (single)
      single_parameters(judge);
    else if (!grid_.plain())
      parts(judge);
    else if (by_rows(cls))
      rows(judge);
    else if (by_reach(cls))
      reached(judge);
    else
      blocks(judge);
  }
}

void BatchEvaluator::plan(const Grid::Batch& batch) {
  steps_.clear();
  choices_.clear();
  each_run(grid_, batch, [this](const std::vector<Choice>& choices, const Walker::Run& run, std::uint64_t offset,
                                std::size_t from) {
    count_ = choices.size();
    steps_.push_back({from, run, offset});
    choices_.insert(choices_.end(), choices.begin(), choices.end());
  });
}

void BatchEvaluator::intact(Judge& judge) {
  const Vector& outputs = reference();
  Vector harms = outputs;
  judge.harm(walk_.input(), 1, harms.data(), 1, outputs.data(), errors_.data(), worst_.data());
  for (Index o = 0; o < net_.outputs(); ++o)
    if (judge.matters(walk_.input(), o, worst_[static_cast<std::size_t>(o)]))
      judge.inspect(walk_.input(), o, 0, 1, harms.data() + o);
  judge.row(walk_.input(), 0, 1, errors_.data());
}

/// The intact outputs by the same arithmetic.
const Vector& BatchEvaluator::reference() const {
  return problem_.canonical ? problem_.nominal[static_cast<std::size_t>(walk_.input())].post.back() : walk_.post(net_.layers());
}

void BatchEvaluator::rows(Judge& judge) {
  const Responses::Use use = responses_.use(walk_.input(), [this] { return reaction(); });
  const Reaction& here = *use;
  walk_.begin_class(choices(0), count_, &here.response());
  linear_.begin(walk_, here, steps_.front().run, count_);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    interruption_point();
    if (i > 0) walk_.update(choices(i), steps_[i].from);
    linear_.evaluate(steps_[i].run, choices(i), steps_[i].offset, judge);
  }
}

void BatchEvaluator::blocks(Judge& judge) {
  walk_.begin_class(choices(0), count_, nullptr);
  block_.resize(static_cast<std::size_t>(net_.widest() * columns));  // not before: rows do without
  other_.resize(block_.size());
  block_layer_ = walk_.receivers(static_cast<std::size_t>(steps_.front().run.stage));
  offset_ = 0, used_ = 0;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    if (i > 0) walk_.update(choices(i), steps_[i].from);
    walk_.enter_last(choices(i));
    Walker::Run run = steps_[i].run;
    while (run.first < run.last) {
      const Index n = std::min(run.last - run.first, columns - used_);
      fill(run, n);
      run.first += n;
      if (used_ == columns) flush(judge);
    }
  }
  if (used_ > 0) flush(judge);
}

void BatchEvaluator::reached(Judge& judge) {
  std::vector<Vector> pre, post;
  for (Index l = 0; l <= net_.layers(); ++l) {
    pre.push_back(walk_.pre(l));
    post.push_back(walk_.post(l));
  }
  reached_.start(pre, post);
  block_.resize(static_cast<std::size_t>(net_.outputs() * columns));
  offset_ = 0, used_ = 0;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    reached_.undo();
    for (std::size_t d = 0; d + 1 < count_; ++d) {
      const Choice& choice = choices(i)[d];
      const Site& site = grid_.site(choice);
      reached_.commit(site.layer, site.to, grid_.value(static_cast<std::size_t>(choice.manner)));
    }
    const Walker::Run& run = steps_[i].run;
    const auto manner = static_cast<std::size_t>(run.manner);
    for (Index member = run.first; member < run.last; ++member) {
      interruption_point();
      const Grid::Stage& stage = grid_.stages()[static_cast<std::size_t>(run.stage)];
      const Site& site = stage.sites[static_cast<std::size_t>(stage.members[manner][static_cast<std::size_t>(member)])];
      reached_.run(site.layer, site.to, grid_.value(manner), block_.data() + used_, columns);
      if (++used_ == columns) deliver(judge);
    }
  }
  if (used_ > 0) deliver(judge);
}

/// Signals of every configuration at the last failing layer, through which all go together from there.
void BatchEvaluator::parts(Judge& judge) {
  parts_.begin(walk_);
  block_layer_ = parts_.layer_of(choices(0), count_);
  block_.resize(static_cast<std::size_t>(net_.widest() * columns));
  other_.resize(block_.size());
  offset_ = 0, used_ = 0;
  std::vector<Choice> configuration;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Walker::Run& run = steps_[i].run;
    const auto& members = grid_.stages()[static_cast<std::size_t>(run.stage)].members[static_cast<std::size_t>(run.manner)];
    configuration.assign(choices(i), choices(i) + count_);
    for (Index member = run.first; member < run.last; ++member) {
      configuration.back().position = members[static_cast<std::size_t>(member)];
      parts_.run(configuration.data(), count_, block_layer_, block_.data() + used_, columns);
      if (++used_ == columns) flush_signals(judge);
    }
  }
  if (used_ > 0) flush_signals(judge);
}

/// The harm of each configuration; where it may be the worst of some output, all outputs.
void BatchEvaluator::single_parameters(Judge& judge) {
  const Index input = walk_.input();
  block_.resize(static_cast<std::size_t>(net_.outputs() * columns));
  harms_.resize(single_.size() + static_cast<std::size_t>(kernels().lanes));
  single_.begin_input(walk_);
  for (std::size_t run = 0; run < single_.runs(); ++run) {
    std::size_t first = single_.begin_of(run);
    if (!judge.matters(input, single_.harms(run, harms_.data() + first))) continue;
    for (; first < single_.end_of(run); first += static_cast<std::size_t>(used_)) {
      used_ = std::min(static_cast<Index>(single_.end_of(run) - first), columns);
      single_.outputs(run, first, used_, block_.data(), columns);
      inspect(judge, first);
    }
  }
  judge.row(input, 0, static_cast<Index>(single_.size()), harms_.data());
}

/// Run the network behind the block's layer over its signals.
void BatchEvaluator::flush_signals(Judge& judge) {
  interruption_point();
  for (Index l = block_layer_ + 1; l <= net_.layers(); ++l) {
    for (Index j = 0; j < net_.width(l); ++j) std::fill_n(other_.data() + j * columns, used_, net_.bias(l)(j));
    net_.map(l).multiply_add(used_, block_.data(), columns, other_.data(), columns);
    block_.swap(other_);
    for (Index j = 0; j < net_.own(l); ++j) activate(net_.activation(l), block_.data() + j * columns, used_);
  }
  deliver(judge);
}

/// Columns of `n` more configurations: the prefix and each of the next members of the run.
void BatchEvaluator::fill(const Walker::Run& run, Index n) {
  const auto s = static_cast<std::size_t>(run.stage);
  const auto t = static_cast<std::size_t>(run.manner);
  const Index layer = grid_.stages()[s].layer;
  const Walk::StageState& state = walk_.last();
  const Vector& base = walk_.prefix();
  const int* nodes = walk_.nodes(s, t).data() + run.first;
  delta_.assign(state.effect[t].data() + run.first, state.effect[t].data() + run.first + n);
  double* block = block_.data() + used_;
  if (layer == net_.layers()) {
    for (Index j = 0; j < base.size(); ++j) std::fill_n(block + j * columns, n, base(j));
    for (Index i = 0; i < n; ++i) block[nodes[i] * columns + i] += delta_[static_cast<std::size_t>(i)];
  } else {
    const Walk::Touched& touched = state.touched[state.touched.size() - 2];
    for (Index i = 0; i < n && nodes[i] == touched.node; ++i)
      delta_[static_cast<std::size_t>(i)] = walk_.change_of(s, t, run.first + i, touched);
    net_.map(layer + 1).spread(n, base.data(), nodes, delta_.data(), block, columns);
  }
  used_ += n;
}

/// Run the rest of the network over the block.
void BatchEvaluator::flush(Judge& judge) {
  interruption_point();
  for (Index l = block_layer_;; ++l) {
    const Activation& phi = net_.activation(l);
    for (Index j = 0; j < net_.own(l); ++j) activate(phi, block_.data() + j * columns, used_);
    if (l == net_.layers()) break;
    for (Index j = 0; j < net_.width(l + 1); ++j) std::fill_n(other_.data() + j * columns, used_, net_.bias(l + 1)(j));
    net_.map(l + 1).multiply_add(used_, block_.data(), columns, other_.data(), columns);
    block_.swap(other_);
  }
  deliver(judge);
}

/// Harms of a block of outputs, of configurations from `offset` on.
void BatchEvaluator::inspect(Judge& judge, std::uint64_t offset) {
  const Index input = walk_.input();
  judge.harm(input, used_, block_.data(), columns, reference().data(), errors_.data(), worst_.data());
  for (Index o = 0; o < net_.outputs(); ++o)
    if (judge.matters(input, o, worst_[static_cast<std::size_t>(o)]))
      judge.inspect(input, o, offset, used_, block_.data() + o * columns);
}

void BatchEvaluator::deliver(Judge& judge) {
  inspect(judge, offset_);
  judge.row(walk_.input(), offset_, used_, errors_.data());
  offset_ += static_cast<std::uint64_t>(used_);
  used_ = 0;
}

}  // namespace withstand::enumerate
