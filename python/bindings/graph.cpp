// SPDX-License-Identifier: MIT
#include <pybind11/numpy.h>

#include "bindings.hpp"
#include "withstand/convolution.hpp"
#include "withstand/network.hpp"
#include "withstand/selection.hpp"

using namespace withstand;

/// None reads a source as it is, and the signature says so.
using MapOrNone = std::optional<std::shared_ptr<Affine>>;

/// A matrix that maps share with the arrays that show it.
template <class Storage>
struct Held {
  std::shared_ptr<Storage> matrix;
};

/// An array of the matrix in its place, which it keeps.
template <class Storage>
py::array_t<typename Storage::Scalar> shown(const py::object& held, bool writeable) {
  const Storage& matrix = *held.cast<const Held<Storage>&>().matrix;
  py::array_t<typename Storage::Scalar> array({matrix.rows(), matrix.cols()}, matrix.data(), held);
  if (!writeable) array.attr("flags").attr("writeable") = false;
  return array;
}

template <class Storage>
void bind_held(py::module_& m, const char* name) {
  py::class_<Held<Storage>>(m, name)
      .def(py::init([](Index rows, Index columns) { return Held<Storage>{std::make_shared<Storage>(rows, columns)}; }),
           py::arg("rows"), py::arg("columns"))
      .def_property_readonly("room", [](const py::object& self) { return shown<Storage>(self, true); })
      .def_property_readonly("array", [](const py::object& self) { return shown<Storage>(self, false); });
}

void bind_graph(py::module_& m) {
  bind_held<Matrix>(m, "Held");
  bind_held<Indices>(m, "HeldIndices");
  py::class_<Affine, std::shared_ptr<Affine>>(m, "Affine")
      .def_property_readonly("rows", &Affine::rows)
      .def_property_readonly("cols", &Affine::cols)
      .def_property_readonly("bytes", &Affine::bytes);
  py::class_<Dense, Affine, std::shared_ptr<Dense>>(m, "Dense")
      .def(py::init([](const Held<Matrix>& weights) { return std::make_shared<Dense>(weights.matrix); }), py::arg("weights"));
  py::class_<Convolution::Axis>(m, "Axis")
      .def(py::init<Index, Index, Index, Index, Index, Index>(), py::kw_only(), py::arg("source"), py::arg("result"),
           py::arg("size"), py::arg("stride"), py::arg("dilation"), py::arg("before"));
  py::class_<Convolution, Affine, std::shared_ptr<Convolution>>(m, "Convolution")
      .def(py::init([](const Held<Matrix>& kernel, Index groups, const std::vector<Convolution::Axis>& axes, bool channels_last) {
             return std::make_shared<Convolution>(kernel.matrix, groups, axes, channels_last);
           }),
           py::arg("kernel"), py::arg("groups"), py::arg("axes"), py::arg("channels_last"));
  py::class_<Selection, Affine, std::shared_ptr<Selection>>(m, "Selection")
      .def(py::init([](Index senders, const Held<Indices>& from, const Vector& weight) {
             return std::make_shared<Selection>(senders, from.matrix, std::vector<double>(weight.begin(), weight.end()));
           }),
           py::arg("senders"), py::arg("from_"), py::arg("weight"));
  py::class_<Bias>(m, "Bias")
      .def(py::init<Vector, Index, Index>(), py::arg("values"), py::arg("each"), py::arg("size"));
  py::class_<Layer>(m, "Layer")
      .def(py::init([](const std::vector<std::pair<Index, MapOrNone>>& reads, Bias bias, Activation phi, bool may_fail) {
             std::vector<Read> all;
             for (const auto& [source, map] : reads) all.push_back({source, map.value_or(nullptr)});
             return Layer{std::move(all), std::move(bias), std::move(phi), may_fail};
           }),
           py::arg("reads"), py::arg("bias"), py::arg("activation"), py::arg("may_fail"));
}
