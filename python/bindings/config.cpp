// SPDX-License-Identifier: MIT
#include "bindings.hpp"
#include "withstand/kernels.hpp"
#include "withstand/parallel.hpp"

void bind_config(py::module_& m) {
  m.def("variant", [] { return withstand::kernels().name; });
  m.def("available_variants", &withstand::available_variants);
  m.def("default_threads", &withstand::default_threads);
}
