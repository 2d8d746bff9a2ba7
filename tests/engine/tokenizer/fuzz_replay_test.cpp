#include "tests/engine/formats/support.h"
#include "tests/fuzz/tokenizer_target.h"

namespace crescent {
namespace {

// What fuzzing found, inputs made by hand that once seemed the worst, and every file that is fine.
TEST(TokenizerFuzzFindings, AreReadOrRefusedAndNothingElse) {
  size_t replayed = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(CRESCENT_FIXTURES)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("tokenizer")) continue;
    if (!entry.is_regular_file()) continue;
    EXPECT_NO_THROW(fuzz::read_tokenizer(read_text(entry.path()))) << entry.path();
    ++replayed;
  }
  EXPECT_GT(replayed, 10u);
}

}  // namespace
}  // namespace crescent
