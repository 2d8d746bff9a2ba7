#include <cstddef>
#include <cstdint>

#include "tests/fuzz/tokenizer_target.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  crescent::fuzz::read_tokenizer({reinterpret_cast<const char*>(data), size});
  return 0;
}
