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

void bind_words(py::module_& m) {
  py::class_<Format>(m, "Format")
      .def(py::init(&Format::named), py::arg("name"))
      .def_readonly("bits", &Format::bits);

  using Scalings = std::vector<std::vector<std::pair<double, double>>>;
  const auto scalings = [](const Scalings& layers) {
    std::vector<std::vector<Scaling>> all;
    for (const auto& layer : layers) {
      all.emplace_back();
      for (const auto& [scale, zero] : layer) all.back().push_back({scale, zero});
    }
    return all;
  };
  py::class_<Words, std::shared_ptr<Words>>(m, "Words")
      .def(py::init([=](const std::string& format, std::vector<std::uint64_t> masks, std::optional<int> to,
                        std::optional<std::pair<double, double>> clamp, const Scalings& signals,
                        const std::optional<std::string>& biases, std::vector<std::uint64_t> bias_masks,
                        const Scalings& bias_scalings) {
             std::optional<Format> other;
             if (biases) other = Format::named(*biases);
             return std::make_shared<Words>(Words{Format::named(format), std::move(masks), to, clamp, scalings(signals),
                                                  other, std::move(bias_masks), scalings(bias_scalings)});
           }),
           py::kw_only(), py::arg("format"), py::arg("masks"), py::arg("to"), py::arg("clamp"), py::arg("scalings"),
           py::arg("biases"), py::arg("bias_masks"), py::arg("bias_scalings"));
}

void bind_space(py::module_& m) {
  py::class_<Space>(m, "Space")
      .def(py::init<const Network&, const std::vector<Failure>&>(), py::arg("network"), py::arg("failures"))
      .def_property_readonly("finite", &Space::finite)
      .def_property_readonly("plain", &Space::plain)
      .def("candidates", [](const Space& space, std::size_t term) {
        py::typing::List<SiteName> all;
        for (const std::vector<Site>& layer : space.terms().at(term).sites)
          for (const Site& site : layer) all.append(py::make_tuple(site.layer, site.to, site.from));
        return all;
      }, py::arg("term"))
      .def_property_readonly("at_most", &Space::at_most)
      .def("configurations", &configurations, py::arg("steps") = Space::counting_steps)
      .def_property_readonly("magnitude", [](const Space& space) { return space.magnitude(Space::counting_steps / 5); })
      .def("describe", &Space::describe);
}

}  // namespace

FailedValues held(const std::vector<Forced>& failed) {
  FailedValues values;
  for (const Forced& f : failed) {
    const Site& s = f.site;
    const py::tuple neuron = py::make_tuple(s.layer, s.to);
    const py::tuple synapse = py::make_tuple(s.layer, s.to, s.from);
    values[s.from >= 0 ? synapse : neuron] = f.value;
  }
  return values;
}

void bind_failure(py::module_& m) {
  py::native_enum<Effect> effect(m, "Effect", "enum.Enum");
  for (const Conduct& row : conducts()) effect.value(row.name, row.effect);
  effect.finalize();

  m.def("on_synapses", &on_synapses);

  py::class_<Site>(m, "Site")
      .def(py::init<Index, Index, Index>(), py::arg("layer"), py::arg("to"), py::arg("from_") = -1)
      .def_readonly("layer", &Site::layer)
      .def_readonly("to", &Site::to)
      .def_readonly("from_", &Site::from);

  m.attr("parameters") = Site::parameters;
  m.attr("one") = Site::one;

  bind_words(m);

  py::class_<Forced>(m, "Forced").def(py::init<Site, double>(), py::arg("site"), py::arg("value"));

  py::class_<Failure>(m, "Failure")
      .def(py::init([](Effect kind, std::vector<double> amount, std::vector<Index> counts, bool total, bool exactly,
                       bool equivocal, std::optional<std::vector<Site>> among,
                       std::optional<std::vector<std::vector<Site>>> groups, std::string group,
                       const std::optional<std::shared_ptr<Words>>& words,
                       std::optional<std::vector<std::vector<Index>>> biases) {
             return Failure{kind, std::move(amount), std::move(counts), total, exactly, equivocal, std::move(among),
                            std::move(groups), std::move(group), words.value_or(nullptr), std::move(biases)};
           }),
           py::kw_only(), py::arg("effect"), py::arg("amount"), py::arg("counts"), py::arg("total"), py::arg("exactly"),
           py::arg("equivocal") = false, py::arg("among") = py::none(), py::arg("groups") = py::none(),
           py::arg("group") = "groups", py::arg("words") = py::none(), py::arg("biases") = py::none())
      .def("describe", &Failure::describe);

  py::class_<Failed>(m, "FailedWay")
      .def(py::init<Site, std::size_t, int, double>(), py::arg("site"), py::arg("term"), py::arg("way"), py::arg("free") = 0)
      .def_readonly("site", &Failed::site)
      .def_readonly("term", &Failed::term)
      .def_readonly("way", &Failed::way)
      .def_readonly("free", &Failed::free)
      .def("at", [](const Failed& how, const Site& site) { return Failed{site, how.term, how.way, how.free}; },
           py::arg("site"));

  m.def("choices_of", &choices_of, py::arg("failure"));

  bind_space(m);
}
