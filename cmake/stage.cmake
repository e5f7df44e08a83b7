# Headers of the build's own environment. pip builds in a temporary folder, another one every time: what is compiled with
# headers from there would be compiled anew by every `pip install`. A copy in the build folder stays where it is.
function(withstand_stage target name version)
  if(NOT DEFINED SKBUILD_STATE)
    return()
  endif()
  get_target_property(_from ${target} INTERFACE_INCLUDE_DIRECTORIES)
  list(GET _from 0 _from)
  set(_staged "${PROJECT_BINARY_DIR}/headers/${name}-${version}")
  if(NOT EXISTS "${_staged}/complete")
    file(COPY "${_from}/" DESTINATION "${_staged}/include" PATTERN "unsupported" EXCLUDE)
    file(TOUCH "${_staged}/complete")
  endif()
  set_target_properties(${target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_staged}/include"
                                             INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${_staged}/include")
endfunction()
