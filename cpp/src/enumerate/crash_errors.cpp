// SPDX-License-Identifier: MIT
#include "crash_errors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "evaluate/reached.hpp"
#include "withstand/forward.hpp"
#include "withstand/parallel.hpp"

namespace withstand::enumerate {
namespace {

double harm(const Vector& outputs, const Vector& intact, Index decision) {
  double worst = decision < 0 ? 0 : -std::numeric_limits<double>::infinity();
  for (Index k = 0; k < outputs.size(); ++k) {
    if (decision < 0) worst = std::max(worst, std::abs(outputs(k) - intact(k)));
    else if (k != decision) worst = std::max(worst, outputs(k) - outputs(decision));
  }
  return worst;
}

}  // namespace

Vector crash_errors(const Network& net, ConstVectorRef input, bool decisions) {
  const Trace intact = trace(net, input);
  const Vector& nominal = intact.post.back();
  Index decision = -1;
  if (decisions) nominal.maxCoeff(&decision);
  Reached reached(net);
  reached.start(intact.pre, intact.post);
  Vector errors(net.neurons()), outputs(net.outputs());
  Index n = 0;
  for (Index l = 1; l <= net.depth(); ++l)
    for (Index j = 0; j < net.failing(l); ++j) {
      interruption_point();
      reached.run(l, j, 0, outputs.data(), 1);
      errors(n++) = harm(outputs, nominal, decision);
    }
  return errors;
}

}  // namespace withstand::enumerate
