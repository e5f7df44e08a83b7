// SPDX-License-Identifier: MIT
#include <pybind11/numpy.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "bindings.hpp"
#include "withstand/enumerate.hpp"

using namespace withstand;

namespace {

py::typing::List<SiteName> sites_of(const std::vector<Site>& sites) {
  py::typing::List<SiteName> list;
  for (const Site& site : sites) list.append(py::make_tuple(site.layer, site.to, site.from));
  return list;
}

auto state_of(const Entry& entry) {
  return py::make_tuple(entry.error, sites_of(entry.sites), entry.manners, entry.input, entry.output);
}

using EntryState = decltype(state_of(std::declval<Entry>()));

Entry entry_from(const EntryState& state) {
  Entry entry;
  entry.error = state[0].cast<double>();
  for (const py::handle site : state[1]) {
    const auto parts = site.cast<std::tuple<Index, Index, Index>>();
    entry.sites.push_back({std::get<0>(parts), std::get<1>(parts), std::get<2>(parts)});
  }
  entry.manners = state[2].cast<std::vector<int>>();
  entry.input = state[3].cast<Index>();
  entry.output = state[4].cast<Index>();
  return entry;
}

py::typing::List<EntryState> entries_of(const Statistics& s) {
  py::typing::List<EntryState> entries;
  for (const Entry& entry : s.top) entries.append(state_of(entry));
  return entries;
}

auto state_of(const ExactSum& sum) {
  const ExactSum::Digits digits = sum.digits();
  return py::make_tuple(digits.first, digits.values);
}

using SumState = decltype(state_of(std::declval<ExactSum>()));

ExactSum sum_from(const py::handle& state) {
  const auto [first, values] = state.cast<std::pair<int, std::vector<std::int64_t>>>();
  return ExactSum::from_digits({first, values});
}

/// Only those that failed: a shard of a large space has few of its components.
auto components_of(const Statistics& s) {
  py::typing::List<py::typing::Tuple<std::size_t, std::uint64_t, SumState, double, std::uint64_t>> known;
  for (std::size_t c = 0; c < s.components.size(); ++c) {
    const ComponentErrors& here = s.components[c];
    if (here.count > 0) known.append(py::make_tuple(c, here.count, state_of(here.sum), here.worst, here.infinite));
  }
  return py::make_tuple(s.components.size(), known);
}

std::vector<ComponentErrors> components_from(const py::sequence& state) {
  std::vector<ComponentErrors> components(state[0].cast<std::size_t>());
  for (const py::handle item : state[1]) {
    const auto parts = item.cast<py::sequence>();
    components.at(parts[0].cast<std::size_t>()) = {parts[1].cast<std::uint64_t>(), parts[4].cast<std::uint64_t>(),
                                                   sum_from(parts[2]), parts[3].cast<double>()};
  }
  return components;
}

auto state_of(const Statistics& s) {
  return py::make_tuple(s.count, s.exceeding, state_of(s.sum), state_of(s.squares), s.least, s.histogram.first(),
                        s.histogram.counts(), s.per_output, entries_of(s), s.keep,
                        components_of(s), s.infinite, s.large, state_of(s.faint));
}

using State = decltype(state_of(std::declval<Statistics>()));

Statistics statistics_from(const State& state) {
  if (state.size() != 14) throw std::invalid_argument("these are the statistics of another version");
  const auto per_output = state[7].cast<std::vector<double>>();
  Statistics s(per_output.size(), state[9].cast<std::size_t>());
  s.count = state[0].cast<std::uint64_t>();
  s.exceeding = state[1].cast<std::uint64_t>();
  s.sum = sum_from(state[2]);
  s.squares = sum_from(state[3]);
  s.least = state[4].cast<double>();
  std::int64_t key = state[5].cast<int>();
  for (std::uint64_t count : state[6].cast<std::vector<std::uint64_t>>())
    s.histogram.insert(static_cast<int>(std::min<std::int64_t>(key++, std::numeric_limits<int>::max())), count);
  s.per_output = per_output;
  for (const py::handle entry : state[8]) s.offer(entry_from(entry.cast<EntryState>()));
  s.components = components_from(state[10].cast<py::sequence>());
  s.infinite = state[11].cast<std::uint64_t>();
  s.large = state[12].cast<std::uint64_t>();
  s.faint = sum_from(state[13]);
  return s;
}

/// What the failed components of `top` are held at, entry by entry.
py::typing::List<FailedValues> witnesses(const Enumerator& self, const Statistics& s) {
  py::typing::List<FailedValues> all;
  for (const Entry& entry : s.top) all.append(held(self.witness(entry)));
  return all;
}

using Progress = std::optional<py::typing::Callable<py::object(std::uint64_t)>>;

/// Tell Python of the progress and ask it for signals. Ctrl-C ends the run early, with what is known so far; other errors
/// are raised.
bool goes_on(const Progress& progress, std::uint64_t done) {
  try {
    if (progress) (*progress)(done);
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_KeyboardInterrupt)) throw;
    return false;
  }
  return true;
}

/// The GIL is free while threads work; twenty times a second Python is asked for signals and told of the progress.
Statistics run(const Enumerator& self, std::uint64_t first, std::uint64_t last, int threads, const Progress& progress) {
  const Watch watch = [&progress](std::uint64_t done) {
    const py::gil_scoped_acquire acquire;
    return goes_on(progress, done);
  };
  const py::gil_scoped_release release;
  return self.run(first, last, threads, watch);
}

}  // namespace

void bind_enumerate(py::module_& m) {
  py::class_<Statistics>(m, "Statistics")
      .def(py::init<std::size_t, std::size_t>(), py::arg("outputs"), py::arg("keep"))
      .def("merge", &Statistics::merge, py::arg("other"))
      .def_readonly("count", &Statistics::count)
      .def_readonly("exceeding", &Statistics::exceeding)
      .def_readonly("least", &Statistics::least)
      .def_readonly("infinite", &Statistics::infinite)
      .def_readonly("large", &Statistics::large)
      .def_readonly("per_output", &Statistics::per_output)
      .def_property_readonly("top", &entries_of)
      .def_property_readonly("components", &components_of)
      .def_property_readonly("sum", [](const Statistics& s) { return state_of(s.sum); })
      .def_property_readonly("squares", [](const Statistics& s) { return state_of(s.squares); })
      .def_property_readonly("faint", [](const Statistics& s) { return state_of(s.faint); })
      .def_property_readonly("histogram", [](const Statistics& s) {
        const std::vector<std::uint64_t>& counts = s.histogram.counts();
        const auto size = static_cast<py::ssize_t>(counts.size());
        return py::make_tuple(s.histogram.first(), py::array_t<std::uint64_t>(size, counts.data()));
      })
      .def(py::pickle([](const Statistics& s) { return state_of(s); }, &statistics_from));

  m.attr("histogram_bits") = LogHistogram::bits;
  m.attr("faint_scale") = Statistics::faint_scale;
  m.def(
      "histogram_edge",
      [](const py::array_t<int>& keys) { return py::array_t<double>(py::vectorize(&LogHistogram::lower)(keys)); },
      py::arg("keys"));

  py::class_<Enumerator>(m, "Enumerator")
      .def(py::init([](const Network& net, const Space& space, const Matrix& inputs, bool decisions,
                       std::optional<double> epsilon, std::size_t top, bool components) {
             return interruptible([&] { return Enumerator(net, space, inputs, {decisions, epsilon, top, true, components}); });
           }),
           py::arg("network"), py::arg("space"), py::arg("inputs"), py::arg("decisions"), py::arg("epsilon"),
           py::arg("top"), py::arg("components") = false)
      .def_property_readonly("components", [](const Enumerator& e) { return sites_of(e.components()); })
      .def_property_readonly("configurations", [](const Enumerator& e) { return e.configurations(); })
      .def_property_readonly("batches", [](const Enumerator& e) { return e.batches(); })
      .def_property_readonly("batch_size", [](const Enumerator& e) { return e.batch_size(); })
      .def("rank", [](const Enumerator& e, std::uint64_t batch) { return e.rank(batch); }, py::arg("batch"))
      .def("witnesses", &witnesses, py::arg("statistics"))
      .def("failed", [](const Enumerator& self, const Statistics& s) {
        std::vector<std::vector<Failed>> all;
        for (const Entry& entry : s.top) all.push_back(self.failed(entry));
        return all;
      }, py::arg("statistics"))
      .def_property_readonly("rounding", &Enumerator::rounding)
      .def("run", &run, py::arg("first"), py::arg("last"), py::arg("threads") = 0, py::arg("progress") = py::none());
}
