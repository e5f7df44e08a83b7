// SPDX-License-Identifier: MIT
#include "withstand/forward.hpp"

#include "bindings.hpp"
#include "enumerate/crash_errors.hpp"
#include "failure/effects.hpp"
#include "withstand/failed.hpp"

using namespace withstand;

void bind_forward(py::module_& m) {
  m.def(
      "trace",
      [](const Network& net, ConstVectorRef input, const std::vector<Forced>& forced) {
        return trace(net, input, forced).post;
      },
      py::arg("network"), py::arg("input"), py::arg("forced"));
  m.def(
      "forward_batch",
      [](const Network& net, const ConstMatrixRef& inputs, const std::vector<Forced>& forced) {
        py::gil_scoped_release release;
        return forward_batch(net, inputs, forced);
      },
      py::arg("network"), py::arg("inputs"), py::arg("forced"));
  m.def(
      "forward_failed",
      [](const Network& net, const Space& space, const Matrix& inputs, const std::vector<Failed>& failed) {
        return interruptible([&] { return forward_batch(net, space, inputs, failed); });
      },
      py::arg("network"), py::arg("space"), py::arg("inputs"), py::arg("failed"));
  m.def(
      "forced_by",
      [](const Network& net, const Space& space, const Vector& input, const std::vector<Failed>& failed) {
        return forced_by(net, space, input, failed);
      },
      py::arg("network"), py::arg("space"), py::arg("input"), py::arg("failed"));
  m.def(
      "synapses_of",
      [](const Network& net, const Space& space, const Site& parameter) {
        std::vector<Site> synapses;
        places_of(net, space.terms().front(), parameter, synapses);
        return synapses;
      },
      py::arg("network"), py::arg("space"), py::arg("parameter"));
  m.def(
      "crash_errors",
      [](const Network& net, ConstVectorRef input, bool decisions) {
        return interruptible([&] { return enumerate::crash_errors(net, input, decisions); });
      },
      py::arg("network"), py::arg("input"), py::arg("decisions"));
}
