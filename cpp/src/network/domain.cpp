// SPDX-License-Identifier: MIT
#include "withstand/domain.hpp"

#include <cmath>
#include <sstream>
#include <stdexcept>

namespace withstand {

void check(const Domain& domain, const Network& net) {
  std::ostringstream message;
  if (domain.size() == 0)
    message << "a domain needs at least one input";
  else if (domain.lower.rows() != domain.upper.rows())
    message << "the domain has " << domain.lower.rows() << " lower rows and " << domain.upper.rows() << " upper ones";
  else if (domain.lower.cols() != net.inputs() || domain.upper.cols() != net.inputs())
    message << "the domain has " << domain.lower.cols() << " columns, the network takes " << net.inputs() << " inputs";
  for (Index n = 0; n < domain.size() && message.str().empty(); ++n)
    for (Index i = 0; i < domain.lower.cols() && message.str().empty(); ++i)
      if (!std::isfinite(domain.lower(n, i)) || !std::isfinite(domain.upper(n, i)) ||
          domain.lower(n, i) > domain.upper(n, i))
        message << "the domain's row " << n << ", entry " << i << " is [" << domain.lower(n, i) << ", "
                << domain.upper(n, i) << "], ends must be finite and in order";
  if (!message.str().empty()) throw std::invalid_argument(message.str());
}

}  // namespace withstand
