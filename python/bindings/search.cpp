// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "search/frontier.hpp"
#include "search/leaves.hpp"
#include "withstand/search.hpp"

using namespace withstand;
using withstand::search::Frontier;
using withstand::search::Leaf;
using withstand::search::OpenPart;
using withstand::search::Option;
using withstand::search::Recorder;
using withstand::search::TreeRecord;
using withstand::search::Walked;

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

/// What crosses to other processes.
using PartState = py::typing::Tuple<py::object, py::ellipsis>;

py::tuple told(const Option& o) {
  return py::make_tuple(o.site.layer, o.site.to, o.site.from, o.value, o.quota, o.term, o.way);
}

Option option_of(const py::tuple& t) {
  return {{t[0].cast<Index>(), t[1].cast<Index>(), t[2].cast<Index>()},
          t[3].cast<double>(), t[4].cast<std::size_t>(), t[5].cast<std::size_t>(), t[6].cast<int>()};
}

PartState told(const OpenPart& part) {
  py::list failed, alive;
  for (const Option& o : part.decisions.failed) failed.append(told(o));
  for (const Site& s : part.decisions.alive) alive.append(py::make_tuple(s.layer, s.to, s.from));
  py::object walk = py::none();
  if (part.walk) walk = py::make_tuple(part.walk->first, part.walk->last, part.walk->cost);
  return PartState(py::make_tuple(part.input_index, part.bound, part.cost, failed, alive, part.first, walk,
                                  part.objectives));
}

OpenPart part_of(const PartState& t) {
  OpenPart part{t[0].cast<Index>(), t[1].cast<double>(), t[2].cast<double>(), {}, t[5].cast<bool>(), {},
                t[7].cast<std::vector<Index>>()};
  for (const py::handle o : t[3].cast<py::list>()) part.decisions.failed.push_back(option_of(o.cast<py::tuple>()));
  for (const py::handle s : t[4].cast<py::list>()) {
    const auto site = s.cast<py::tuple>();
    part.decisions.alive.push_back({site[0].cast<Index>(), site[1].cast<Index>(), site[2].cast<Index>()});
  }
  if (t[6].is_none()) return part;
  const auto walk = t[6].cast<py::tuple>();
  part.walk = Walked{walk[0].cast<std::uint64_t>(), walk[1].cast<std::uint64_t>(), walk[2].cast<double>()};
  return part;
}

void bind_frontier(py::module_& m) {
  py::class_<OpenPart>(m, "OpenPart")
      .def_readwrite("input_index", &OpenPart::input_index)
      .def_readonly("bound", &OpenPart::bound)
      .def_readonly("cost", &OpenPart::cost)
      .def_property_readonly("walks", [](const OpenPart& part) { return part.walk.has_value(); })
      .def(py::pickle([](const OpenPart& part) { return told(part); }, &part_of));

  py::class_<Frontier>(m, "Frontier")
      .def(py::init([](double grain, std::vector<OpenPart> from) {
             Frontier frontier;
             frontier.grain = grain;
             frontier.from = std::move(from);
             return frontier;
           }),
           py::arg("grain"), py::arg("start"))
      .def_readonly("open", &Frontier::open)
      .def_readonly("closed", &Frontier::closed);
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
  py::native_enum<Goal>(m, "Goal", "enum.Enum").value("error", Goal::error).value("argmax", Goal::argmax).finalize();
  py::native_enum<SearchStatus>(m, "SearchStatus", "enum.Enum")
      .value("exact", SearchStatus::exact)
      .value("gap", SearchStatus::gap)
      .value("budget", SearchStatus::budget)
      .value("interrupted", SearchStatus::interrupted)
      .finalize();

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
  bind_frontier(m);
  m.def(
      "worst_case",
      [](const Network& net, const Space& space, const Matrix& lower, const Matrix& upper, Goal goal, double gap,
         double time_limit, std::uint64_t node_limit, int threads, const Watch& watch, double bounding,
         const OrNone<TreeRecord>& record, double floor, const OrNone<Frontier>& frontier) {
        py::gil_scoped_release release;
        const SearchOptions options{goal, gap, time_limit, node_limit, threads, bounding, floor};
        if (Frontier* from = pointer(frontier)) return worst_case(net, space, {lower, upper}, options, until_ctrl_c(watch), *from);
        Recorder nobody;
        TreeRecord* kept = pointer(record);
        Recorder& listener = kept != nullptr ? *kept : nobody;
        return worst_case(net, space, {lower, upper}, options, until_ctrl_c(watch), listener);
      },
      py::arg("network"), py::arg("space"), py::arg("lower"), py::arg("upper"), py::arg("goal"), py::arg("gap"),
      py::arg("time_limit"), py::arg("node_limit"), py::arg("threads"), py::arg("watch"),
      py::arg("bounding") = SearchOptions{}.bounding, py::arg("record") = py::none(),
      py::arg("floor") = SearchOptions{}.floor, py::arg("frontier") = py::none());
}
