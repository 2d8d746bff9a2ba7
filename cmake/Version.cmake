# crescent_build_id(TARGET): compiles what `git describe` says about the working tree into TARGET,
# as crescent::kBuild: `crescent --version` and every stored run tell it. Asked at every build,
# since a commit changes no file that a build depends on; the source is rewritten only if the answer
# is new.
function(crescent_build_id target)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/build_id.cpp)
  add_custom_target(${target}_build_id BYPRODUCTS ${out} COMMENT ""
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DROOT=${CMAKE_SOURCE_DIR}
      -P ${CMAKE_SOURCE_DIR}/cmake/build_id_script.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out})
  add_dependencies(${target} ${target}_build_id)
endfunction()
