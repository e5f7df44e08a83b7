// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "search/leaves.hpp"
#include "withstand/search.hpp"

using namespace withstand;
using withstand::search::Leaf;
using withstand::search::Option;
using withstand::search::Recorder;
using withstand::search::TreeRecord;

namespace {

py::typing::List<NeuronName> alive_of(const Leaf& leaf) {
  py::typing::List<NeuronName> alive;
  for (const Site& s : leaf.decisions.alive) alive.append(py::make_tuple(s.layer, s.to));
  return alive;
}

/// Layer, neuron and term of each.
auto failed_of(const Leaf& leaf) {
  py::typing::List<py::typing::Tuple<Index, Index, std::size_t>> failed;
  for (const Option& o : leaf.decisions.failed) failed.append(py::make_tuple(o.site.layer, o.site.to, o.term));
  return failed;
}

void bind_leaves(py::module_& m) {
  py::class_<Leaf>(m, "Leaf")
      .def_property_readonly("enumerated", [](const Leaf& leaf) { return leaf.kind == Leaf::Kind::enumerated; })
      .def_readonly("input_index", &Leaf::input_index)
      .def_readonly("bound", &Leaf::bound)
      .def_property_readonly("alive", &alive_of)
      .def_property_readonly("failed", [](const Leaf& leaf) { return failed_of(leaf); });

  py::class_<TreeRecord>(m, "TreeRecord").def(py::init<>()).def_readonly("leaves", &TreeRecord::leaves);
}

void bind_results(py::module_& m) {
  py::class_<SearchResult>(m, "SearchResult")
      .def_readonly("status", &SearchResult::status)
      .def_readonly("lower", &SearchResult::lower)
      .def_readonly("upper", &SearchResult::upper)
      .def_readonly("rounding", &SearchResult::rounding)
      .def_readonly("witness", &SearchResult::witness)
      .def_readonly("nodes", &SearchResult::nodes)
      .def_readonly("evaluations", &SearchResult::evaluations);
}

}  // namespace

void bind_search(py::module_& m) {
  py::enum_<Goal>(m, "Goal").value("error", Goal::error).value("argmax", Goal::argmax);
  py::enum_<SearchStatus>(m, "SearchStatus")
      .value("exact", SearchStatus::exact)
      .value("gap", SearchStatus::gap)
      .value("budget", SearchStatus::budget)
      .value("interrupted", SearchStatus::interrupted);

  py::class_<Witness>(m, "Witness")
      .def_property_readonly("failed", [](const Witness& witness) { return held(witness.failed); })
      .def_readonly("input", &Witness::input)
      .def_readonly("input_index", &Witness::input_index)
      .def_readonly("output", &Witness::output)
      .def_readonly("harm", &Witness::harm)
      .def_readonly("ways", &Witness::ways);

  m.def(
      "replay",
      [](const Network& net, const Vector& input, const std::vector<Forced>& forced, Goal goal) {
        const Replay found = replay(net, input, forced, goal);
        return py::typing::Tuple<double, Index>(py::make_tuple(found.harm, found.output));
      },
      py::arg("network"), py::arg("input"), py::arg("forced"), py::arg("goal"));

  bind_results(m);
  bind_leaves(m);
  m.def(
      "worst_case",
      [](const Network& net, const Space& space, const Matrix& lower, const Matrix& upper, Goal goal, double gap,
         double time_limit, std::uint64_t node_limit, int threads, const Watch& watch, double bounding,
         const OrNone<TreeRecord>& record) {
        py::gil_scoped_release release;
        const SearchOptions options{goal, gap, time_limit, node_limit, threads, bounding};
        Recorder nobody;
        TreeRecord* kept = pointer(record);
        Recorder& listener = kept != nullptr ? *kept : nobody;
        return worst_case(net, space, {lower, upper}, options, until_ctrl_c(watch), listener);
      },
      py::arg("network"), py::arg("space"), py::arg("lower"), py::arg("upper"), py::arg("goal"), py::arg("gap"),
      py::arg("time_limit"), py::arg("node_limit"), py::arg("threads"), py::arg("watch"),
      py::arg("bounding") = SearchOptions{}.bounding, py::arg("record") = py::none());
}
