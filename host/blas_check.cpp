#include "host/blas_check.h"

#include <cstdio>
#include <fstream>
#include <string_view>

namespace crescent {

std::string find_reference_blas(std::istream& maps) {
  // Mapped files stand with all links resolved: .../blas/libblas.so.3.11.0 is the reference, while
  // .../openblas-openmp/libblas.so.3 is OpenBLAS under the same SONAME.
  static constexpr std::string_view kReference = "/blas/libblas.so";
  for (std::string line; std::getline(maps, line);) {
    const size_t path = line.find('/');
    if (path != std::string::npos && line.find(kReference, path) != std::string::npos)
      return line.substr(path);
  }
  return "";
}

void warn_of_reference_blas() {
  std::ifstream maps("/proc/self/maps");
  const std::string path = find_reference_blas(maps);
  if (path.empty()) return;
  std::fprintf(stderr,
               "crescent: LibTorch runs on the reference BLAS (%s): matrix products are 50 times "
               "slower than they need to be. Try: apt-get install libopenblas0-openmp\n",
               path.c_str());
}

}  // namespace crescent
