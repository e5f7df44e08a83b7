# Files that are compiled together. Parsing Eigen and instantiating its templates costs more than most files themselves:
# one unit per folder needs half the time. A name in an anonymous namespace is then one of its folder. The presets of
# developers compile every file alone: what changed is compiled sooner, and a missing include is noticed.
function(withstand_units target folder)
  if(NOT WITHSTAND_UNITY)
    return()
  endif()
  set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
  foreach(_source IN LISTS ARGN)
    cmake_path(RELATIVE_PATH _source BASE_DIRECTORY "${folder}" OUTPUT_VARIABLE _unit)
    cmake_path(GET _unit PARENT_PATH _unit)
    string(MAKE_C_IDENTIFIER "${target}_${_unit}" _unit)
    set_source_files_properties(${_source} PROPERTIES UNITY_GROUP ${_unit})
  endforeach()
endfunction()
