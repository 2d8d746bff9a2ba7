# crescent_embed(TARGET NAMESPACE_FUNCTION FILE...): compiles text files into TARGET as byte arrays,
# found by their path below scripts/. The generated source goes to the build folder.
function(crescent_embed target)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/embedded.cpp)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DROOT=${CMAKE_SOURCE_DIR}/scripts "-DFILES=${ARGN}"
      -P ${CMAKE_SOURCE_DIR}/cmake/embed_script.cmake
    DEPENDS ${ARGN} ${CMAKE_SOURCE_DIR}/cmake/embed_script.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
