#include "engine/formats/mapped_file.h"

#include <sys/stat.h>

#include "tests/engine/formats/support.h"

namespace crescent {
namespace {

TEST(MappedFile, HoldsTheFilesBytesEvenAfterTheFileIsGone) {
  TemporaryFolder folder;
  folder.write("a", "hello");
  const auto file = MappedFile::open(folder / "a");
  std::filesystem::remove(folder / "a");
  const auto bytes = file->bytes();
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()), "hello");
  EXPECT_EQ(file->path().string(), folder / "a");
}

TEST(MappedFile, MapsAnEmptyFile) {
  TemporaryFolder folder;
  folder.write("a", "");
  EXPECT_TRUE(MappedFile::open(folder / "a")->bytes().empty());
}

TEST(MappedFile, SaysWhyAFileCannotBeRead) {
  TemporaryFolder folder;
  EXPECT_EQ(message_of([&] { MappedFile::open(folder / "none"); }),
            (folder / "none") + ": expected a file that can be read: No such file or directory");
  EXPECT_EQ(message_of([&] { MappedFile::open(folder.path()); }),
            folder.path().string() + ": expected a regular file, found a folder");
}

TEST(MappedFile, DoesNotWaitForAPipesWriter) {
  TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(message_of([&] { MappedFile::open(folder / "pipe"); }),
            (folder / "pipe") + ": expected a regular file, found a device or pipe");
}

}  // namespace
}  // namespace crescent
