// SPDX-License-Identifier: MIT
#pragma once

#include <pybind11/eigen.h>
#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

namespace py = pybind11;

void bind_config(py::module_& m);
void bind_network(py::module_& m);
void bind_failure(py::module_& m);
void bind_enumerate(py::module_& m);
void bind_bounds(py::module_& m);
void bind_linear(py::module_& m);
