// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "withstand/bound.hpp"

using namespace withstand;

namespace {

double cost_of(const MethodFacts& facts, const Network& net, const Space& space) { return facts.cost(net, space); }

}  // namespace

void bind_bounds(py::module_& m) {
  py::class_<Bounds>(m, "Bounds")
      .def("result",
           [](const Bounds& b) {
             const Vector outputs = b.values.colwise().maxCoeff();
             const Vector inputs = b.values.rowwise().maxCoeff();
             return py::make_tuple(outputs.maxCoeff(), outputs, inputs);
           })
      .def_readonly("exactly", &Bounds::exactly)
      .def_readonly("relaxed", &Bounds::relaxed)
      .def_readonly("slack", &Bounds::slack);

  py::class_<MethodFacts>(m, "MethodFacts")
      .def_readonly("name", &MethodFacts::name)
      .def_readonly("theory", &MethodFacts::theory)
      .def_readonly("reference", &MethodFacts::reference)
      .def_readonly("needs_domain", &MethodFacts::needs_domain)
      .def_readonly("equivocal", &MethodFacts::equivocal)
      .def_readonly("synapses", &MethodFacts::synapses)
      .def_readonly("intervals", &MethodFacts::intervals)
      .def_readonly("exactly", &MethodFacts::exactly)
      .def("cost", &cost_of, py::arg("network"), py::arg("space"));
  m.def("methods", &methods);

  m.def(
      "layer_effects",
      [](const Network& net, const Space& space, const std::optional<Matrix>& lower,
         const std::optional<Matrix>& upper) {
        return interruptible(
            [&] { return layer_effects(net, space, lower ? std::optional<Domain>({*lower, *upper}) : std::nullopt); });
      },
      py::arg("network"), py::arg("space"), py::arg("lower"), py::arg("upper"));
  m.def(
      "bound_without_domain",
      [](const Network& net, const Space& space, const std::string& method, bool argmax) {
        const Goal goal = argmax ? Goal::argmax : Goal::error;
        return interruptible([&] { return bound(net, space, std::nullopt, method_named(method), goal, 1); });
      },
      py::arg("network"), py::arg("space"), py::arg("method"), py::arg("argmax"));
  m.def(
      "bound",
      [](const Network& net, const Space& space, const Matrix& lower, const Matrix& upper, const std::string& method,
         bool argmax, int threads) {
        const Goal goal = argmax ? Goal::argmax : Goal::error;
        return interruptible(
            [&] { return bound(net, space, Domain{lower, upper}, method_named(method), goal, threads); });
      },
      py::arg("network"), py::arg("space"), py::arg("lower"), py::arg("upper"), py::arg("method"), py::arg("argmax"),
      py::arg("threads"));
}
