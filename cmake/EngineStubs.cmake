# crescent_engine_stubs(TARGET): keeps libraries out of the process that LibTorch lists and never
# uses.
#
# Debian's libtorch_cpu was linked with OpenCV, ffmpeg, leveldb, lmdb, snappy and ZeroMQ, binds no
# symbol of theirs, and through them brings Qt: 289 shared objects and 140 ms at the first touch
# of a tensor. Empty libraries with their SONAMEs, found first through an old-style RPATH (the
# only kind that reaches the dependencies of dependencies), stand in for them. A LibTorch that
# does use one fails to load with the symbol's name. Other LibTorchs list none of them, and get no
# stubs.
function(crescent_engine_stubs target)
  execute_process(COMMAND ${CMAKE_READELF} -d ${LEAN_TORCH_CPU} OUTPUT_VARIABLE dynamic)
  string(REGEX MATCHALL "lib(opencv_|av|sw|leveldb|lmdb|snappy|zmq)[A-Za-z0-9_.-]*" sonames
    "${dynamic}")
  # One RPATH for the build and the install, both relative; CMake pads the build's own with empty
  # entries, and an empty entry is the current folder.
  set_target_properties(${target} PROPERTIES BUILD_WITH_INSTALL_RPATH TRUE)
  # INSTALL_RPATH_USE_LINK_PATH would leave out a LibTorch below this folder, as one in a virtual
  # environment of the build is; another LibTorch would then be loaded in its place.
  get_filename_component(torch_folder ${LEAN_TORCH_CPU} DIRECTORY)
  get_filename_component(torch_real ${torch_folder} REALPATH)
  set(rpath "")
  set(system_folders ${CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES})
  if(NOT torch_folder IN_LIST system_folders AND NOT torch_real IN_LIST system_folders)
    list(APPEND rpath ${torch_folder})
  endif()
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "${rpath}")
  if(NOT sonames)
    return()
  endif()
  list(REMOVE_DUPLICATES sonames)
  set(empty ${CMAKE_CURRENT_BINARY_DIR}/empty.c)
  file(WRITE ${empty} "")
  foreach(soname IN LISTS sonames)
    add_library(stub_${soname} SHARED ${empty})
    set_target_properties(stub_${soname} PROPERTIES PREFIX "" SUFFIX "" OUTPUT_NAME ${soname}
      NO_SONAME ON LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/crescent_stubs)
    target_link_options(stub_${soname} PRIVATE -nostdlib -Wl,-soname,${soname})
    add_dependencies(${target} stub_${soname})
    install(TARGETS stub_${soname} LIBRARY DESTINATION lib/crescent_stubs)
  endforeach()
  target_link_options(${target} PRIVATE -Wl,--disable-new-dtags)
  list(PREPEND rpath "$ORIGIN/crescent_stubs")
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "${rpath}")
endfunction()
