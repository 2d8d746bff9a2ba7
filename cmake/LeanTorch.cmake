# The target lean::torch: libtorch_cpu, libc10 and two include folders, and nothing else.
# find_package(Torch) also wants gflags, glog and protobuf, and with two LibTorchs installed it
# mixes them, because its find_library() calls look in /usr/lib before the prefix it was found in.
set(CRESCENT_TORCH "" CACHE PATH "folder with a LibTorch's include/ and lib/; empty: the system's")
if(CRESCENT_TORCH)
  set(where HINTS ${CRESCENT_TORCH} NO_DEFAULT_PATH)
endif()
find_path(LEAN_TORCH_INCLUDE torch/csrc/api/include/torch/torch.h ${where}
  PATH_SUFFIXES include REQUIRED)
find_library(LEAN_TORCH_CPU torch_cpu ${where} PATH_SUFFIXES lib REQUIRED)
find_library(LEAN_TORCH_C10 c10 ${where} PATH_SUFFIXES lib REQUIRED)
foreach(header torch/csrc/api/include/torch/version.h torch/headeronly/version.h)
  # 2.8 moved the numbers to the second place.
  if(NOT torch_version_lines AND EXISTS ${LEAN_TORCH_INCLUDE}/${header})
    file(STRINGS ${LEAN_TORCH_INCLUDE}/${header} torch_version_lines
      REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) ")
  endif()
endforeach()
string(REGEX MATCHALL "[0-9]+" LEAN_TORCH_VERSION "${torch_version_lines}")
list(JOIN LEAN_TORCH_VERSION "." LEAN_TORCH_VERSION)
# For `crescent --version`. Debian's 1.13.1 calls itself 1.13.0 in its headers and file names.
set(LEAN_TORCH_WORDS "${LEAN_TORCH_VERSION}")
if(NOT CRESCENT_TORCH)
  execute_process(COMMAND dpkg-query -W -f \${Version} libtorch-dev RESULT_VARIABLE no_package
    OUTPUT_VARIABLE package ERROR_QUIET)
  if(NOT no_package)
    set(LEAN_TORCH_WORDS "${LEAN_TORCH_VERSION} by its headers, Debian package ${package}")
  endif()
endif()
# A LibTorch from PyPI brings headers of fmt 12 and of oneDNN among its own; in front of the
# system's they would be compiled against one version and linked with another. So only its own are
# seen.
if(CRESCENT_TORCH)
  set(own ${CMAKE_BINARY_DIR}/torch-include)
  file(MAKE_DIRECTORY ${own})
  foreach(folder ATen c10 caffe2 torch)
    file(CREATE_LINK ${LEAN_TORCH_INCLUDE}/${folder} ${own}/${folder} SYMBOLIC)
  endforeach()
else()
  set(own ${LEAN_TORCH_INCLUDE})
endif()
add_library(lean::c10 SHARED IMPORTED)
set_target_properties(lean::c10 PROPERTIES IMPORTED_LOCATION ${LEAN_TORCH_C10})
add_library(lean::torch SHARED IMPORTED)
set_target_properties(lean::torch PROPERTIES
  IMPORTED_LOCATION ${LEAN_TORCH_CPU}
  INTERFACE_LINK_LIBRARIES lean::c10
  INTERFACE_COMPILE_DEFINITIONS AT_PER_OPERATOR_HEADERS
  INTERFACE_INCLUDE_DIRECTORIES "${own};${own}/torch/csrc/api/include")
message(STATUS "LibTorch ${LEAN_TORCH_VERSION}: ${LEAN_TORCH_CPU}")
