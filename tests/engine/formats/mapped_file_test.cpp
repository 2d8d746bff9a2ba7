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

/// Pages of files that this process has in its memory.
int64_t bytes_of_files() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("RssFile:")) return std::stoll(line.substr(8)) * 1024;
  }
  ADD_FAILURE() << "no RssFile";
  return 0;
}

TEST(MappedFile, GivesPagesBackThatCanStillBeRead) {
  TemporaryFolder folder;
  constexpr size_t kBytes = size_t{8} << 20;
  const std::string text(kBytes, 'x');
  folder.write("a", text);
  const auto file = MappedFile::open(folder / "a");
  const std::string_view seen(reinterpret_cast<const char*>(file->bytes().data()), kBytes);
  EXPECT_EQ(seen, text);
  const int64_t before = bytes_of_files();
  const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  EXPECT_EQ(file->give_back(file->bytes().subspan(5)), kBytes - page) << "in whole pages";
  EXPECT_LT(bytes_of_files(), before - static_cast<int64_t>(kBytes / 2));
  EXPECT_EQ(seen, text);
}

TEST(MappedFile, GivesBackNothingOfOthers) {
  TemporaryFolder folder;
  folder.write("a", "hello");
  const auto file = MappedFile::open(folder / "a");
  const std::string other(100, 'x');
  EXPECT_EQ(file->give_back(std::as_bytes(std::span(other))), std::nullopt);
  EXPECT_EQ(other, std::string(100, 'x'));
  EXPECT_EQ(file->give_back(file->bytes()), 0u) << "less than a page: it stays";
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
