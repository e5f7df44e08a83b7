// SPDX-License-Identifier: MIT
#pragma once

#include <pybind11/eigen.h>
#include <pybind11/functional.h>
#include <pybind11/native_enum.h>  // three py::enum_ take 3 s to compile, these half a second
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/typing.h>

#include <functional>
#include <limits>
#include <memory>
#include <optional>

#include "core/budget.hpp"
#include "withstand/forward.hpp"

namespace py = pybind11;

// Python's containers with what they hold: what a signature says is what python/withstand/_core.pyi says, and mypy checks.
using NeuronName = py::typing::Tuple<Eigen::Index, Eigen::Index>;              // layer, to
using SiteName = py::typing::Tuple<Eigen::Index, Eigen::Index, Eigen::Index>;  // layer, to, from or -1

/// Failed components, and what each is held at.
using FailedValues = py::typing::Dict<py::typing::Union<NeuronName, SiteName>, double>;
FailedValues held(const std::vector<withstand::Forced>& failed);

/// An argument that may be None, and whose signature says so.
template <class T>
using OrNone = std::optional<std::reference_wrapper<T>>;

template <class T>
T* pointer(const OrNone<T>& argument) {
  return argument ? &argument->get() : nullptr;
}

/// Python's ==, which takes anything.
template <class T>
bool equal(const T& self, const py::object& other) {
  return py::isinstance<T>(other) && self == other.cast<const T&>();
}

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

/// Run `work` without the GIL. Ctrl-C, or what else a handler of signals raises, ends it at its next interruption point
/// and is raised here.
template <class Work>
auto interruptible(const Work& work) {
  std::unique_ptr<py::error_already_set> raised;
  const withstand::Watch watch = [&](std::uint64_t) {
    const py::gil_scoped_acquire acquire;
    if (PyErr_CheckSignals() == 0) return true;
    raised = std::make_unique<py::error_already_set>();
    return false;
  };
  withstand::Budget patience(withstand::Budget::unlimited, std::numeric_limits<double>::infinity(), watch);
  try {
    const py::gil_scoped_release release;
    const withstand::Interruptible here(patience);
    auto result = work();
    withstand::interruption_point();  // work without any
    return result;
  } catch (const withstand::Interrupted&) {
    throw *raised;
  }
}

void bind_config(py::module_& m);
void bind_activation(py::module_& m);
void bind_graph(py::module_& m);
void bind_network(py::module_& m);
void bind_failure(py::module_& m);
void bind_forward(py::module_& m);
void bind_enumerate(py::module_& m);
void bind_bounds(py::module_& m);
void bind_linear(py::module_& m);
void bind_search(py::module_& m);
