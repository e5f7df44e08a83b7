# Brings the target Eigen3::Eigen: extern/eigen, then the system, then the cmeel-eigen wheel (see README.md).
set(_vendored "${CMAKE_CURRENT_LIST_DIR}/eigen")

if(EXISTS "${_vendored}/Eigen/Core" AND NOT WITHSTAND_SYSTEM_EIGEN)
  # Imported, like a found one: the exported package then names Eigen3::Eigen, which a consumer brings itself.
  add_library(Eigen3::Eigen INTERFACE IMPORTED)
  target_include_directories(Eigen3::Eigen SYSTEM INTERFACE "${_vendored}")
  set(WITHSTAND_EIGEN_SOURCE "${_vendored}")
else()
  find_package(Eigen3 3.4 CONFIG QUIET)
  if(NOT Eigen3_FOUND AND Python_EXECUTABLE)
    # pip puts conditional build requirements outside CMAKE_PREFIX_PATH: ask the interpreter itself.
    execute_process(
      COMMAND "${Python_EXECUTABLE}" -c
        "from importlib.metadata import distribution as d; print(d('cmeel-eigen').locate_file('cmeel.prefix').as_posix(), end='')"
      OUTPUT_VARIABLE _cmeel RESULT_VARIABLE _failed ERROR_QUIET)
    if(_failed EQUAL 0)
      find_package(Eigen3 3.4 CONFIG REQUIRED PATHS "${_cmeel}" NO_DEFAULT_PATH)
    endif()
  endif()
  if(NOT TARGET Eigen3::Eigen)
    message(FATAL_ERROR "Eigen 3.4 not found: install libeigen3-dev, or `pip install cmeel-eigen==3.4.1`, "
                        "or build from a source distribution, which carries it")
  endif()
  get_target_property(_dirs Eigen3::Eigen INTERFACE_INCLUDE_DIRECTORIES)
  list(GET _dirs 0 WITHSTAND_EIGEN_SOURCE)
endif()
set(_version "")
file(STRINGS "${WITHSTAND_EIGEN_SOURCE}/Eigen/src/Core/util/Macros.h" _lines REGEX "define EIGEN_(WORLD|MAJOR|MINOR)_VERSION [0-9]+")
foreach(_line IN LISTS _lines)
  string(REGEX MATCH "[0-9]+$" _number "${_line}")
  list(APPEND _version ${_number})
endforeach()
list(JOIN _version "." WITHSTAND_EIGEN_VERSION)
message(STATUS "Eigen ${WITHSTAND_EIGEN_VERSION}: ${WITHSTAND_EIGEN_SOURCE}")

# A source distribution carries Eigen (headers and licence only).
if(DEFINED SKBUILD_STATE AND SKBUILD_STATE STREQUAL "sdist" AND NOT EXISTS "${_vendored}/Eigen/Core")
  file(COPY "${WITHSTAND_EIGEN_SOURCE}/Eigen"
       DESTINATION "${_vendored}")
  file(COPY "${CMAKE_CURRENT_LIST_DIR}/licenses/MPL-2.0.txt" DESTINATION "${_vendored}")
endif()
