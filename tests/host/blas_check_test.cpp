#include "host/blas_check.h"

#include <gtest/gtest.h>

#include <sstream>

namespace crescent {
namespace {

std::string found_in(const std::string& maps) {
  std::istringstream in(maps);
  return find_reference_blas(in);
}

TEST(BlasCheck, FindsTheReferenceBlas) {
  EXPECT_EQ(found_in("7f0000000000-7f0000010000 r-xp 00000000 08:01 131 /usr/bin/crescent\n"
                     "7f1000000000-7f1000010000 r-xp 00000000 08:01 132 "
                     "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0\n"),
            "/usr/lib/x86_64-linux-gnu/blas/libblas.so.3.11.0");
}

TEST(BlasCheck, IsContentWithOpenBlasUnderTheSameName) {
  EXPECT_EQ(found_in("7f1000000000-7f1000010000 r-xp 00000000 08:01 132 "
                     "/usr/lib/x86_64-linux-gnu/openblas-openmp/libblas.so.3\n"
                     "7f1000000000-7f1000010000 rw-p 00000000 00:00 0\n"),
            "");
}

}  // namespace
}  // namespace crescent
