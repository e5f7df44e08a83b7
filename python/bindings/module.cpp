// SPDX-License-Identifier: MIT
#include <exception>
#include <system_error>

#include "bindings.hpp"

namespace {

/// What the system refuses, a thread or a lock, is an OSError with its number; pybind11 knows only RuntimeError.
void translate(std::exception_ptr error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const std::system_error& refused) {
    PyErr_SetObject(PyExc_OSError, py::make_tuple(refused.code().value(), refused.what()).ptr());
  }
}

}  // namespace

// A table of contents; each concept has a file of its own. A signature names types in Python's words if they stand above.
PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
  m.doc() = "The C++ core of withstand; use the package `withstand`, not this module.";
  // Claim what this thread needs for itself while there is memory: for its exceptions, and for whom it asks to go on.
  static_cast<void>(std::current_exception());
  static_cast<void>(withstand::goes_on());
  py::register_local_exception_translator(&translate);
  bind_config(m);
  bind_activation(m);
  bind_graph(m);
  bind_network(m);
  bind_failure(m);
  bind_forward(m);
  bind_enumerate(m);
  bind_bounds(m);
  bind_linear(m);
  bind_search(m);
}
