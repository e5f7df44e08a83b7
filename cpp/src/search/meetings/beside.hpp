// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "search/meetings/encounter.hpp"

namespace withstand::search {

/// What failures do alone where a first one has been committed: each is evaluated when it is asked for.
class Beside {
 public:
  Beside(const Singles& singles, const Matrix& objectives, Reached& reached);

  /// What an option adds to each objective.
  const double* effect(std::size_t option);
  /// Until the next is asked for.
  Encounter::Alone alone(std::size_t option);

 private:
  struct Known {
    bool yes = false;
    std::size_t effect = 0, begin = 0, end = 0;  // in `effects_`; in `touches_`
  };
  const Known& known(std::size_t option);

  const Singles& singles_;
  const Matrix& objectives_;
  Reached& reached_;
  std::vector<Known> known_;  // of every option
  std::vector<double> effects_;
  std::vector<Singles::Touch> touches_;
  Vector outputs_;
};

}  // namespace withstand::search
