// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "withstand/network.hpp"

using namespace withstand;

void bind_network(py::module_& m) {
  py::class_<Network>(m, "Network")
      .def(py::init([](const std::vector<std::shared_ptr<Affine>>& maps, std::vector<Vector> biases,
                       std::vector<Activation> activations) {
             return std::make_unique<Network>(std::vector<std::shared_ptr<const Affine>>(maps.begin(), maps.end()),
                                              std::move(biases), std::move(activations));
           }),
           py::arg("maps"), py::arg("biases"), py::arg("activations"))
      .def(py::init<Index, const std::vector<Layer>&>(), py::arg("inputs"), py::arg("layers"))
      .def_property_readonly("depth", &Network::depth)
      .def_property_readonly("bytes", &Network::bytes)
      .def_property_readonly("cost", &Network::cost)
      .def_property_readonly("synapses", &Network::synapses)
      .def_property_readonly("is_dense", &Network::is_dense)
      .def("own", &Network::own, py::arg("layer"))
      .def("may_fail", &Network::may_fail, py::arg("layer"))
      .def("offset", &Network::offset, py::arg("layer"), py::arg("source"))
      .def_property_readonly("layers", &Network::layers)
      .def_property_readonly("neurons", &Network::neurons)
      .def("width", &Network::width, py::arg("layer"))
      .def("weight", &Network::dense, py::arg("layer"), py::return_value_policy::reference_internal)
      .def("bias", &Network::bias, py::arg("layer"), py::return_value_policy::reference_internal)
      .def("activation", py::overload_cast<Index>(&Network::activation, py::const_), py::arg("layer"))
      .def(
          "sums",
          [](const Network& net, Index layer, const Matrix& rows) {
            const Matrix columns = rows.transpose();
            Matrix sums = net.bias(layer).replicate(1, columns.cols());
            net.map(layer).multiply_add(columns.cols(), columns.data(), columns.cols(), sums.data(), sums.cols());
            return Matrix(sums.transpose());
          },
          py::arg("layer"), py::arg("rows"))
      .def(
          "pull_back",
          [](const Network& net, Index layer, const Matrix& rows) {
            Matrix pulled = Matrix::Zero(rows.rows(), net.map(layer).cols());
            net.map(layer).pull_back(rows.rows(), rows.data(), rows.cols(), pulled.data(), pulled.cols());
            return pulled;
          },
          py::arg("layer"), py::arg("rows"))
      .def("sent_squares", &Network::sent_squares, py::arg("layer"))
      .def("max_weight", [](const Network& net, Index layer) { return net.map(layer).facts().max; }, py::arg("layer"))
      .def("__eq__", &equal<Network>, py::arg("other"));
}
