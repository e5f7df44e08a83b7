// SPDX-License-Identifier: MIT
#include "../bench/setting.hpp"
#include "bounds/split.hpp"
#include "check.hpp"
#include "core/rounding.hpp"
#include "evaluate/objectives.hpp"
#include "evaluate/ranges.hpp"
#include "withstand/enumerate.hpp"

// The first failures tried and the rest bounded: however many are tried, no less than any error, and never more than without
// trying.
using namespace withstand;

namespace {

Failure failure(Effect effect, std::vector<double> amount, std::vector<Index> counts, bool total) {
  Failure failure;
  failure.effect = effect;
  failure.amount = std::move(amount);
  failure.counts = std::move(counts);
  failure.total = total;
  return failure;
}

double enumerated(const Network& net, const Space& space, const Vector& input) {
  const Enumerator engine(net, space, input.transpose(), Question{});
  return engine.run(0, engine.batches(), 1).top.front().error;
}

void check(const Setting& s, const std::vector<Failure>& failures, Index most) {
  const Space space(s.network, failures);
  const Matrix errors = error_rows(s.network.outputs());
  for (Index n = 0; n < s.inputs.rows(); ++n) {
    const Vector input = s.inputs.row(n).transpose();
    const Nominal nominal = propagate(s.network, input, input);
    const bounds::Problem problem{s.network, space, &nominal, true, {}};
    const double truth = enumerated(s.network, space, input);
    const double room = 1e-12 * (1 + truth);
    double found = 0;
    const double linear = bounds::linear_rows(problem, errors, false).maxCoeff();
    for (Index depth = 1; depth <= most; ++depth) {
      found = bounds::split_rows(problem, errors, false, depth).maxCoeff();
      CHECK(truth <= found + room && found <= linear + room);
    }
    CHECK(found <= truth + room);  // nothing is left to be bounded
    CHECK(bounds::split_rows(problem, errors, false).maxCoeff() == found);
  }
}

/// Rows of faulty outputs: by how much each leads over the others.
void check_leads(const Setting& s, Index most) {
  const Space space(s.network, {failure(Effect::crash, {}, {most}, true)});
  std::vector<std::pair<Index, Index>> pairs;
  for (Index j = 0; j < s.network.outputs(); ++j)
    for (Index c = 0; c < s.network.outputs(); ++c)
      if (j != c) pairs.emplace_back(j, c);
  const Matrix rows = lead_rows(pairs, s.network.outputs());
  const Vector input = s.inputs.row(0).transpose();
  const Nominal nominal = propagate(s.network, input, input);
  const bounds::Problem problem{s.network, space, &nominal, true, {}};
  Vector truth = rows * forward(s.network, input);
  for (Index i = 0; i < s.network.width(1); ++i)
    for (Index j = 0; j < s.network.width(2); ++j)
      for (Index only = 0; only < 3; ++only) {  // the first, the second, both
        std::vector<Forced> failed;
        if (only != 1) failed.push_back({{1, i}, 0});
        if (only != 0) failed.push_back({{2, j}, 0});
        truth = truth.cwiseMax(rows * forward(s.network, input, failed));
      }
  for (Index depth = 1; depth <= most; ++depth)
    CHECK((truth.array() <= bounds::split_rows(problem, rows, true, depth).array() + 1e-12).all());
}

}  // namespace

int main() {
  for (const char* activation : {"relu", "hard_tanh", "tanh", "gelu"}) {
    const Setting s = setting({3, 6, 5, 4, 2}, activation, 3);
    check(s, {failure(Effect::crash, {}, {1}, true)}, 1);
    check(s, {failure(Effect::crash, {}, {3}, true)}, 3);
    check(s, {failure(Effect::crash, {}, {1, 0, 2}, false)}, 3);
    check(s, {failure(Effect::stuck, {0.75}, {0, 1, 1}, false), failure(Effect::crash, {}, {1}, true)}, 3);
    check(s, {failure(Effect::stuck, {0.75, -1}, {2}, true)}, 2);
    check_leads(s, 2);
  }
}
