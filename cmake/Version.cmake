# CRESCENT_BUILD: what `crescent --version` and every stored run say about this build.
execute_process(COMMAND git -C ${CMAKE_SOURCE_DIR} describe --always --dirty --tags
  OUTPUT_VARIABLE CRESCENT_BUILD OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT CRESCENT_BUILD)
  set(CRESCENT_BUILD "unknown")
endif()
