# Tests of the tree itself rather than of one folder: style, headers, README, install, documents.

# What is compiled into the executable, from the root, for the test that follows their includes.
set(tensor_free "")
foreach(target engine_core profiler bindings_core host crescent)
  get_target_property(folder ${target} SOURCE_DIR)
  get_target_property(sources ${target} SOURCES)
  foreach(source IN LISTS sources)
    if(source MATCHES "\\.cpp$" AND NOT source MATCHES "embedded.cpp$|\\$<")
      cmake_path(ABSOLUTE_PATH source BASE_DIRECTORY ${folder})
      file(RELATIVE_PATH source ${CMAKE_SOURCE_DIR} ${source})
      list(APPEND tensor_free ${source})
    endif()
  endforeach()
endforeach()
file(GLOB kernels RELATIVE ${CMAKE_SOURCE_DIR} ${CMAKE_SOURCE_DIR}/engine/kernels/*.cpp)
list(APPEND tensor_free ${kernels})
list(JOIN tensor_free "|" tensor_free)

crescent_test(tidy_tests SOURCES tidy_test.cpp)
target_compile_definitions(tidy_tests PRIVATE CRESCENT_TENSOR_FREE_SOURCES="${tensor_free}"
  CRESCENT_EXECUTABLE="$<TARGET_FILE:crescent>")
add_dependencies(tidy_tests crescent)

crescent_test(docs_tests LINK bindings_docs SOURCES bindings/api/docs/docs_test.cpp)

# Every header compiles alone: one generated source a header, nothing is linked. Once is enough, so
# builds with sanitizers leave it out; and headers need ATen.
if(CRESCENT_TENSOR AND NOT CRESCENT_SANITIZE)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}
    ${CMAKE_SOURCE_DIR}/engine/*.h ${CMAKE_SOURCE_DIR}/profiler/*.h
    ${CMAKE_SOURCE_DIR}/bindings/*.h ${CMAKE_SOURCE_DIR}/host/*.h)
  set(alone "")
  foreach(header IN LISTS headers)
    string(REPLACE "/" "_" source ${header})
    set(source ${CMAKE_CURRENT_BINARY_DIR}/alone/${source}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "#include \"${header}\"\n")
    list(APPEND alone ${source})
  endforeach()
  add_library(headers_alone OBJECT ${alone})
  target_link_libraries(headers_alone PRIVATE crescent_options PkgConfig::luajit PkgConfig::utf8proc
    nlohmann_json::nlohmann_json lean::torch)
endif()

# A few kills; ./dev sweep-kill does more.
if(NOT CRESCENT_TSAN)
  foreach(signal KILL INT)
    add_test(NAME SweepKill.LosesNothingAndRunsNothingTwice.${signal}
      COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sweep_kill.sh $<TARGET_FILE:crescent> --count 10
        --signal ${signal})
    set_tests_properties(SweepKill.LosesNothingAndRunsNothingTwice.${signal} PROPERTIES
      TIMEOUT 600)
  endforeach()
endif()

if(NOT CRESCENT_TENSOR)
  return()
endif()
add_test(NAME Install.RunsAfterItWasMoved
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/install_test.sh ${CMAKE_BINARY_DIR})
# Every example runs to its end, with less text and less time, and hides no quality behind speed.
file(GLOB examples CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR}/examples
  ${CMAKE_SOURCE_DIR}/examples/*.lua)
foreach(example IN LISTS examples)
  add_test(NAME Example.${example} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/example_test.sh
    $<TARGET_FILE:crescent> ${CMAKE_SOURCE_DIR}/examples/${example})
  set_tests_properties(Example.${example} PROPERTIES TIMEOUT 600)
endforeach()
add_test(NAME Readme.EveryCommandAndSnippetRuns
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/readme_test.sh ${CMAKE_BINARY_DIR})
add_test(NAME Interop.TransformersLoadsWhatWeSave
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/interop/run.sh $<TARGET_FILE:crescent>
    ${CMAKE_CURRENT_SOURCE_DIR}/fixtures)
set_tests_properties(Install.RunsAfterItWasMoved Readme.EveryCommandAndSnippetRuns
  Interop.TransformersLoadsWhatWeSave PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 600)
