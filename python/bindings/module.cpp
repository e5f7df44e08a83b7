// SPDX-License-Identifier: MIT
#include "bindings.hpp"

// A table of contents; each concept has a file of its own.
PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
  m.doc() = "The C++ core of withstand; use the package `withstand`, not this module.";
  bind_config(m);
  bind_network(m);
  bind_failure(m);
  bind_enumerate(m);
  bind_bounds(m);
  bind_linear(m);
  bind_search(m);
}
