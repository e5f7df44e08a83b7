# Kernels per instruction set. Each variant is the same source compiled with other flags into the same library; the
# table of function pointers is chosen once, at run time. Alternatives that lost: one typed Python module per variant
# (types are registered twice, a walk over the submodules can die with SIGILL, a C++ consumer gets nothing) and kernel
# libraries opened with dlopen (a second file to find and ship, for no gain). What makes one library safe is that a
# variant's object file defines nothing but its table: no inline or template function of the standard library or of
# Eigen can leak from it and be picked by the linker for baseline code. `tests/core/test_build.py` asserts that with nm.
include(CheckCXXCompilerFlag)

function(withstand_add_kernels target)
  set(_variants base)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
    list(APPEND _variants avx2)
    check_cxx_compiler_flag(-march=x86-64-v4 WITHSTAND_COMPILES_AVX512)
    if(WITHSTAND_AVX512 AND WITHSTAND_COMPILES_AVX512)
      list(APPEND _variants avx512)
    endif()
  endif()
  set(_flags_base "")
  set(_flags_avx2 -march=x86-64-v3)
  set(_flags_avx512 -march=x86-64-v4)
  list(TRANSFORM WITHSTAND_SKIPPED PREPEND "-f" OUTPUT_VARIABLE _all)  # what the library skips, a kernel does not
  foreach(_variant IN LISTS _variants)
    set(_source src/kernels/variants/${_variant}.cpp)
    target_sources(${target} PRIVATE ${_source})
    # -ffp-contract=fast: a kernel multiplies and adds in one rounding where the machine can; its error is bounded either way.
    # -fno-lto: link-time optimisation would move a variant's code across the border that this file keeps.
    set_source_files_properties(${_source} PROPERTIES SKIP_PRECOMPILE_HEADERS ON SKIP_UNITY_BUILD_INCLUSION ON COMPILE_OPTIONS
      "${_flags_${_variant}};-O3;${_all};-ffp-contract=fast;-fno-math-errno;-fno-trapping-math;-fno-exceptions;-fno-lto;-Wno-psabi")
    string(TOUPPER ${_variant} _upper)
    target_compile_definitions(${target} PRIVATE WITHSTAND_HAS_${_upper})
  endforeach()
endfunction()
