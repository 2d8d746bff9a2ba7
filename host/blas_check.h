#pragma once
#include <istream>
#include <string>

namespace crescent {

/// The reference BLAS among the files that a process has mapped (/proc/self/maps), or "". Debian's
/// alternative libblas.so.3 points to it unless something better is installed.
std::string find_reference_blas(std::istream& maps);

/// Says once on stderr what to install if LibTorch runs on it: its matrix products are then 50
/// times slower.
void warn_of_reference_blas();

}  // namespace crescent
