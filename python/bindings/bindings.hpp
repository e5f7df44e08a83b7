// SPDX-License-Identifier: MIT
#pragma once

#include <pybind11/eigen.h>
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "withstand/parallel.hpp"

namespace py = pybind11;

/// A watch written in Python; Ctrl-C, which arrives while it runs, becomes "stop" instead of an exception.
inline withstand::Watch until_ctrl_c(withstand::Watch watch) {
  return [watch = std::move(watch)](std::uint64_t finished) {
    const py::gil_scoped_acquire acquire;
    try {
      return watch(finished);
    } catch (const py::error_already_set& error) {
      if (!error.matches(PyExc_KeyboardInterrupt)) throw;
      return false;
    }
  };
}

void bind_config(py::module_& m);
void bind_network(py::module_& m);
void bind_failure(py::module_& m);
void bind_enumerate(py::module_& m);
void bind_bounds(py::module_& m);
void bind_linear(py::module_& m);
void bind_search(py::module_& m);
