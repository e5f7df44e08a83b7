// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "withstand/forward.hpp"
#include "withstand/space.hpp"

using namespace withstand;

void bind_failure(py::module_& m) {
  py::enum_<Effect>(m, "Effect")
      .value("crash", Effect::crash)
      .value("stuck", Effect::stuck)
      .value("byzantine", Effect::byzantine)
      .value("deviation", Effect::deviation)
      .value("noise", Effect::noise)
      .value("synapse_crash", Effect::synapse_crash)
      .value("synapse_product", Effect::synapse_product)
      .value("synapse_signal", Effect::synapse_signal)
      .value("synapse_replace", Effect::synapse_replace);

  py::class_<Site>(m, "Site")
      .def(py::init<Index, Index, Index>(), py::arg("layer"), py::arg("to"), py::arg("from_") = -1)
      .def_readonly("layer", &Site::layer)
      .def_readonly("to", &Site::to)
      .def_readonly("from_", &Site::from);

  py::class_<Forced>(m, "Forced").def(py::init<Site, double>());

  py::class_<Failure>(m, "Failure")
      .def(py::init<Effect, std::vector<double>, std::vector<Index>, bool, bool, bool,
                    std::optional<std::vector<Site>>>(),
           py::arg("effect"), py::arg("amount"), py::arg("counts"), py::arg("total"), py::arg("exactly"),
           py::arg("equivocal"), py::arg("among"))
      .def("describe", &Failure::describe);

  py::class_<Space>(m, "Space")
      .def(py::init<const Network&, const std::vector<Failure>&>())
      .def_property_readonly("finite", &Space::finite)
      .def_property_readonly("at_most", &Space::at_most)
      .def("configurations", [](const Space& space) { return space.configurations().to_string(); })
      .def("describe", &Space::describe);
}
