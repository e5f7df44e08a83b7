// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "withstand/forward.hpp"

using namespace withstand;

void bind_network(py::module_& m) {
  py::class_<Activation>(m, "Activation")
      .def(py::init<const std::string&, double, double>(), py::arg("name"), py::arg("gain"), py::arg("slope"))
      .def_property_readonly("name", &Activation::name)
      .def_property_readonly("gain", &Activation::gain)
      .def_property_readonly("slope", &Activation::slope)
      .def("__call__", py::vectorize([](const Activation* a, double s) { return (*a)(s); }))
      .def("modulus", &Activation::modulus)
      .def_property_readonly("lipschitz", &Activation::lipschitz)
      .def_property_readonly("infimum", &Activation::infimum)
      .def_property_readonly("supremum", &Activation::supremum)
      .def("__eq__", &Activation::operator==, py::is_operator());

  py::class_<Network>(m, "Network")
      .def(py::init<std::vector<Matrix>, std::vector<Vector>, std::vector<Activation>>())
      .def_property_readonly("depth", &Network::depth)
      .def_property_readonly("layers", &Network::layers)
      .def_property_readonly("neurons", &Network::neurons)
      .def("width", &Network::width)
      .def("weight", &Network::dense, py::return_value_policy::reference_internal)
      .def("bias", &Network::bias, py::return_value_policy::reference_internal)
      .def("activation", &Network::activation)
      .def("max_weight", [](const Network& net, Index layer) { return net.map(layer).facts().max; })
      .def("__eq__", &Network::operator==, py::is_operator());

  m.def("trace", [](const Network& net, ConstVectorRef x, const std::vector<Forced>& forced) {
    return trace(net, x, forced).post;
  });
  m.def("forward_batch", [](const Network& net, const ConstMatrixRef& inputs, const std::vector<Forced>& forced) {
    py::gil_scoped_release release;
    return forward_batch(net, inputs, forced);
  });
}
