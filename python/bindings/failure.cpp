// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "failure/conduct.hpp"
#include "withstand/failed.hpp"
#include "withstand/space.hpp"

using namespace withstand;

namespace {

/// Python's int, by its digits to base 256: a decimal would be limited to 4,300 digits. None where nobody counted.
std::optional<py::int_> configurations(const Space& space, std::uint64_t steps) {
  const std::optional<Natural> count = space.configurations(steps);
  if (!count) return std::nullopt;
  std::string bytes;
  for (std::uint32_t limb : count->limbs())
    for (int shift = 0; shift < 32; shift += 8) bytes.push_back(static_cast<char>(limb >> shift));
  const py::handle type(reinterpret_cast<PyObject*>(&PyLong_Type));
  return type.attr("from_bytes")(py::bytes(bytes), "little");
}

}  // namespace

FailedValues held(const std::vector<Forced>& failed) {
  FailedValues values;
  for (const Forced& f : failed) {
    const Site& s = f.site;
    const py::tuple neuron = py::make_tuple(s.layer, s.to);
    const py::tuple synapse = py::make_tuple(s.layer, s.to, s.from);
    values[s.is_synapse() ? synapse : neuron] = f.value;
  }
  return values;
}

void bind_failure(py::module_& m) {
  py::enum_<Effect> effect(m, "Effect");
  for (const Conduct& row : conducts()) effect.value(row.name, row.effect);

  m.def("on_synapses", &on_synapses);

  py::class_<Site>(m, "Site")
      .def(py::init<Index, Index, Index>(), py::arg("layer"), py::arg("to"), py::arg("from_") = -1)
      .def_readonly("layer", &Site::layer)
      .def_readonly("to", &Site::to)
      .def_readonly("from_", &Site::from);

  py::class_<Forced>(m, "Forced").def(py::init<Site, double>(), py::arg("site"), py::arg("value"));

  py::class_<Failure>(m, "Failure")
      .def(py::init<Effect, std::vector<double>, std::vector<Index>, bool, bool, bool,
                    std::optional<std::vector<Site>>>(),
           py::kw_only(), py::arg("effect"), py::arg("amount"), py::arg("counts"), py::arg("total"), py::arg("exactly"),
           py::arg("equivocal") = false, py::arg("among") = py::none())
      .def("describe", &Failure::describe);

  py::class_<Failed>(m, "FailedWay")
      .def_readonly("site", &Failed::site)
      .def_readonly("term", &Failed::term)
      .def_readonly("way", &Failed::way)
      .def_readonly("free", &Failed::free)
      .def("at", [](const Failed& how, const Site& site) { return Failed{site, how.term, how.way, how.free}; },
           py::arg("site"));

  m.def("choices_of", &choices_of, py::arg("failure"));

  py::class_<Space>(m, "Space")
      .def(py::init<const Network&, const std::vector<Failure>&>(), py::arg("network"), py::arg("failures"))
      .def_property_readonly("finite", &Space::finite)
      .def_property_readonly("at_most", &Space::at_most)
      .def("configurations", &configurations, py::arg("steps") = Space::counting_steps)
      .def_property_readonly("magnitude", [](const Space& space) { return space.magnitude(Space::counting_steps / 5); })
      .def("describe", &Space::describe);
}
