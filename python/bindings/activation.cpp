// SPDX-License-Identifier: MIT
#include <pybind11/numpy.h>

#include "bindings.hpp"
#include "withstand/activation.hpp"

using namespace withstand;

void bind_activation(py::module_& m) {
  py::class_<Activation>(m, "Activation")
      .def(py::init<const std::string&, double, double>(), py::arg("name"), py::arg("gain"), py::arg("slope"))
      .def_property_readonly("name", &Activation::name)
      .def_property_readonly("gain", &Activation::gain)
      .def_property_readonly("slope", &Activation::slope)
      .def("__call__",
           [](const Activation& a, const py::array_t<double>& s) {
             return py::array_t<double>(py::vectorize([&a](double value) { return a(value); })(s));
           },
           py::arg("s"))
      .def("modulus", &Activation::modulus, py::arg("eta"))
      .def_property_readonly("lipschitz", &Activation::lipschitz)
      .def_property_readonly("infimum", &Activation::infimum)
      .def_property_readonly("supremum", &Activation::supremum)
      .def_property_readonly("nondecreasing", &Activation::nondecreasing)
      .def_property_readonly("piecewise_linear", &Activation::piecewise_linear)
      .def("__eq__", &equal<Activation>, py::arg("other"));

  m.def("known_activations", [] {
    std::vector<std::tuple<std::string, double, bool, bool>> known;
    for (const ActivationFacts& phi : known_activations())
      known.emplace_back(phi.name, phi.default_slope, phi.piecewise_linear, phi.nondecreasing);
    return known;
  });
}
