// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "withstand/linear.hpp"

using namespace withstand;

void bind_linear(py::module_& m) {
  py::class_<Gain>(m, "Gain")
      .def_readonly("site", &Gain::site)
      .def_readonly("term", &Gain::term)
      .def_readonly("value", &Gain::value);

  py::class_<LayerRange>(m, "LayerRange").def_readonly("lower", &LayerRange::lower).def_readonly("upper", &LayerRange::upper);

  py::class_<LinearRanges>(m, "LinearRanges")
      .def_readonly("deviation", &LinearRanges::deviation)
      .def_readonly("faulty", &LinearRanges::faulty);

  py::class_<Restriction::Failed>(m, "Failed")
      .def(py::init<Site, std::size_t, double, double>(), py::arg("site"), py::arg("term"), py::arg("lower"),
           py::arg("upper"));
  py::class_<Restriction::Piece>(m, "Piece")
      .def(py::init<Index, Index, double, double>(), py::arg("layer"), py::arg("neuron"), py::arg("lower"),
           py::arg("upper"));

  py::class_<Restriction>(m, "Restriction")
      .def(py::init<const Space&>(), py::arg("space"))
      .def("check", [](const Restriction& restriction, const Space& space) { check(restriction, space); },
           py::arg("space"))
      .def("fail", &Restriction::fail, py::arg("space"), py::arg("site"), py::arg("term") = 0)
      .def_readwrite("failed", &Restriction::failed)
      .def_readwrite("alive", &Restriction::alive)
      .def_readwrite("left", &Restriction::left)
      .def_readwrite("pieces", &Restriction::pieces);

  py::class_<LinearResult>(m, "LinearResult")
      .def_readonly("deviation", &LinearResult::deviation)
      .def_readonly("faulty", &LinearResult::faulty)
      .def_readonly("ranges", &LinearResult::ranges)
      .def("selected", &LinearResult::selected, py::arg("row"))
      .def("gains", &LinearResult::gains, py::arg("row"));

  py::class_<LinearBound>(m, "LinearBound")
      .def(py::init<const Network&, const Space&, ConstVectorRef, ConstVectorRef>(), py::arg("network"),
           py::arg("space"), py::arg("lower"), py::arg("upper"), py::keep_alive<1, 2>(), py::keep_alive<1, 3>())
      .def("__call__",
           [](LinearBound& bound, const Restriction& restriction, const ConstMatrixRef& rows,
              const OrNone<const LinearRanges>& known, int steps) {
             return interruptible([&] { return bound(restriction, rows, pointer(known), {steps, {}}); });
           },
           py::arg("restriction"), py::arg("rows"), py::arg("known") = py::none(), py::arg("steps") = 0);
}
