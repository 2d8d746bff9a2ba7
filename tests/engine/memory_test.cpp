#include "engine/memory.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "engine/error.h"

namespace crescent {
namespace {

TEST(RequireMemory, SaysWhatIsNeededAndWhatIsFree) {
  try {
    require_memory(6'200'000'000, "loading x as float32", 4'100'000'000);
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "loading x as float32 needs 6.2 GB, 4.1 GB free");
  }
}

TEST(RequireMemory, GrantsWhatIsThere) {
  EXPECT_NO_THROW(require_memory(4'100'000'000, "loading", 4'100'000'000));
  EXPECT_NO_THROW(require_memory(1, "a byte"));
  EXPECT_THROW(require_memory(INT64_MAX, "everything"), Error);
}

TEST(MemoryAvailable, CannotBeToldWithoutProc) {
  const std::string root = "/nonexistent";
  try {
    memory_available_bytes(root);
    FAIL() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(),
                 "/nonexistent/proc/meminfo: expected a line 'MemAvailable: N kB', found none; is "
                 "/proc mounted?");
  }
}

TEST(ReadableBytes, UsesTheUnitThatFits) {
  EXPECT_EQ(readable_bytes(999), "999 bytes");
  EXPECT_EQ(readable_bytes(12'300), "12.3 kB");
  EXPECT_EQ(readable_bytes(497'759'232), "498 MB");
  EXPECT_EQ(readable_bytes(1'000'000'000), "1.0 GB");
}

}  // namespace
}  // namespace crescent
