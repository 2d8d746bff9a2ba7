#include <cstdint>

#include "tests/fuzz/targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  crescent::fuzz::read_safetensors(std::as_bytes(std::span(data, size)));
  return 0;
}
