// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "withstand/convolution.hpp"
#include "withstand/network.hpp"
#include "withstand/selection.hpp"

using namespace withstand;

/// None reads a source as it is, and the signature says so.
using MapOrNone = std::optional<std::shared_ptr<Affine>>;

void bind_graph(py::module_& m) {
  py::class_<Affine, std::shared_ptr<Affine>>(m, "Affine")
      .def_property_readonly("rows", &Affine::rows)
      .def_property_readonly("cols", &Affine::cols)
      .def_property_readonly("bytes", &Affine::bytes);
  py::class_<Dense, Affine, std::shared_ptr<Dense>>(m, "Dense").def(py::init<Matrix>(), py::arg("weights"));
  py::class_<Convolution::Axis>(m, "Axis")
      .def(py::init<Index, Index, Index, Index, Index, Index>(), py::kw_only(), py::arg("source"), py::arg("result"),
           py::arg("size"), py::arg("stride"), py::arg("dilation"), py::arg("before"));
  py::class_<Convolution, Affine, std::shared_ptr<Convolution>>(m, "Convolution")
      .def(py::init<Matrix, Index, std::vector<Convolution::Axis>, bool>(), py::arg("kernel"), py::arg("groups"),
           py::arg("axes"), py::arg("channels_last"));
  py::class_<Selection, Affine, std::shared_ptr<Selection>>(m, "Selection")
      .def(py::init<Index, std::vector<Index>, std::vector<double>>(), py::arg("senders"), py::arg("from_"),
           py::arg("weight"));
  py::class_<Layer>(m, "Layer")
      .def(py::init([](const std::vector<std::pair<Index, MapOrNone>>& reads, Vector bias, Activation phi, bool may_fail) {
             std::vector<Read> all;
             for (const auto& [source, map] : reads) all.push_back({source, map.value_or(nullptr)});
             return Layer{std::move(all), std::move(bias), std::move(phi), may_fail};
           }),
           py::arg("reads"), py::arg("bias"), py::arg("activation"), py::arg("may_fail"));
}
