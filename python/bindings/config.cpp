// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "withstand/parallel.hpp"
#include "withstand/variants.hpp"

void bind_config(py::module_& m) {
  m.def("variant", &withstand::variant);
  m.def("available_variants", &withstand::available_variants);
  m.def("default_threads", &withstand::default_threads);
}
