#include "tests/engine/formats/support.h"
#include "tests/fuzz/targets.h"

namespace crescent {
namespace {

// tests/fixtures/fuzz holds what fuzzing found, and inputs made by hand that once seemed the worst:
// safetensors-*, config-*, index-*, tokenizer-*. Every reader gets every file.
TEST(FuzzFindings, AreReadOrRefusedAndNothingElse) {
  size_t replayed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(fixture("fuzz"))) {
    const std::string text = read_text(entry.path());
    EXPECT_NO_THROW(fuzz::read_safetensors(as_bytes(text))) << entry.path();
    EXPECT_NO_THROW(fuzz::read_config(as_bytes(text))) << entry.path();
    EXPECT_NO_THROW(fuzz::read_index(as_bytes(text))) << entry.path();
    ++replayed;
  }
  EXPECT_GT(replayed, 0u);
}

}  // namespace
}  // namespace crescent
