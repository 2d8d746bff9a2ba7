#include <sys/stat.h>

#include <cstring>

#include "engine/formats/safetensors.h"
#include "tests/engine/formats/support.h"

namespace crescent {
namespace {

namespace fs = std::filesystem;

TensorToWrite tensor(std::string name, Dtype dtype, std::vector<int64_t> shape,
                     std::string_view data) {
  return {std::move(name), dtype, std::move(shape), as_bytes(data)};
}

TEST(WriteSafetensors, ReadsBackAsItWasWritten) {
  TemporaryFolder folder;
  const std::vector<TensorToWrite> tensors{
      tensor("bytes", Dtype::uint8, {3}, "abc"),
      tensor("empty", Dtype::float64, {0, 7}, ""),
      tensor("half", Dtype::bfloat16, {1, 2}, "wxyz"),
      tensor("scalar", Dtype::int64, {}, "12345678"),
  };
  write_safetensors(folder / "x.safetensors", tensors, {{"format", "pt"}});
  const auto file = SafetensorsFile::open(folder / "x.safetensors");
  EXPECT_EQ(file->metadata().at("format"), "pt");
  ASSERT_EQ(file->entries().size(), tensors.size());
  EXPECT_EQ(file->entries().front().begin % 64, 0u);
  for (const TensorEntry& entry : file->entries()) {
    EXPECT_EQ(entry.begin % bytes_of(entry.dtype), 0u) << entry.name << " is misaligned";
    const auto written = std::find_if(tensors.begin(), tensors.end(),
                                      [&](const auto& t) { return t.name == entry.name; });
    ASSERT_NE(written, tensors.end());
    EXPECT_EQ(entry.dtype, written->dtype);
    EXPECT_EQ(entry.shape, written->shape);
    const auto data = file->data(entry);
    EXPECT_TRUE(std::equal(data.begin(), data.end(), written->data.begin(), written->data.end()));
  }
}

TEST(WriteSafetensors, WritesAFileWithoutTensors) {
  TemporaryFolder folder;
  write_safetensors(folder / "x.safetensors", {});
  EXPECT_TRUE(SafetensorsFile::open(folder / "x.safetensors")->entries().empty());
}

TEST(WriteSafetensors, RefusesTensorsThatNoReaderWouldTake) {
  TemporaryFolder folder;
  const auto refusal = [&](const std::vector<TensorToWrite>& tensors) {
    return message_of([&] { write_safetensors("x.safetensors", tensors); });
  };
  EXPECT_EQ(refusal({tensor("a", Dtype::float32, {2}, "1234")}),
            "x.safetensors: tensor 'a': expected 8 bytes for F32 [2], found 4");
  EXPECT_EQ(refusal({tensor("a", Dtype::float32, {1LL << 40, 1LL << 40}, "1234")}),
            "x.safetensors: tensor 'a': expected a shape of less than 2^63 bytes, found "
            "[1099511627776, 1099511627776]");
  EXPECT_EQ(refusal({tensor("a", Dtype::uint8, {1}, "1"), tensor("a", Dtype::uint8, {1}, "1")}),
            "x.safetensors: tensor 'a': expected a name of its own, found it twice");
  EXPECT_EQ(refusal({tensor("__metadata__", Dtype::uint8, {1}, "1")}),
            "x.safetensors: tensor '__metadata__': expected a name that is not empty, not "
            "'__metadata__' and holds no control characters");
  EXPECT_EQ(refusal({tensor("\xff", Dtype::uint8, {1}, "1")}),
            "x.safetensors: expected tensor names and metadata in UTF-8, found other bytes");
}

TEST(WriteFile, ReplacesAFileAndLeavesNothingBeside) {
  TemporaryFolder folder;
  folder.write("a", "old");
  write_file(folder / "a", "new");
  EXPECT_EQ(read_text(folder / "a"), "new");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"a"});
}

TEST(WriteFile, KeepsWhatIsMappedFromTheOldFile) {
  TemporaryFolder folder;
  folder.write("a", "old");
  const auto mapped = MappedFile::open(folder / "a");
  write_file(folder / "a", "new");
  EXPECT_EQ(std::memcmp(mapped->bytes().data(), "old", 3), 0);
}

TEST(WriteFile, ObeysTheUsersMask) {
  TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_file(folder / "a", "new");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat((folder / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(WriteFile, KeepsThePermissionsOfTheFileThatItReplaces) {
  TemporaryFolder folder;
  folder.write("a", "old");
  ASSERT_EQ(::chmod((folder / "a").c_str(), 0604), 0);
  write_file(folder / "a", "new");
  struct stat status {};
  ASSERT_EQ(::stat((folder / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0604u);
  EXPECT_EQ(read_text(folder / "a"), "new");
}

TEST(WriteFile, WritesThroughALinkToWhatItLeadsTo) {
  TemporaryFolder folder;
  fs::create_directory(folder / "deep");
  folder.write("deep/real", "old");
  fs::create_symlink("real", folder / "deep/second");
  fs::create_symlink("deep/second", folder / "link");
  fs::create_symlink("deep/none-yet", folder / "dangling");
  write_file(folder / "link", "new");
  write_file(folder / "dangling", "made");
  EXPECT_TRUE(fs::is_symlink(folder / "link") && fs::is_symlink(folder / "deep/second"));
  EXPECT_TRUE(fs::is_symlink(folder / "dangling"));
  EXPECT_EQ(read_text(folder / "deep/real"), "new");
  EXPECT_EQ(read_text(folder / "deep/none-yet"), "made");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"dangling", "deep", "link"}));
}

TEST(WriteFile, SaysWhyAndLeavesNothingWhereItCannotWrite) {
  TemporaryFolder folder;
  EXPECT_EQ(
      message_of([&] { write_file(folder / "none/a", "new"); }),
      (folder / "none/a") + ": writing failed: No such file or directory; nothing was changed");
  fs::create_directory(folder / "taken");
  EXPECT_EQ(message_of([&] { write_file(folder / "taken", "new"); }),
            (folder / "taken") +
                ": expected a regular file or none, found a folder; nothing was changed");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(message_of([&] { write_file(folder / "pipe", "new"); }),
            (folder / "pipe") +
                ": expected a regular file or none, found a device, pipe or socket; nothing was "
                "changed");
  fs::remove(folder / "pipe");
  fs::create_symlink("circle", folder / "circle");
  EXPECT_EQ(message_of([&] { write_file(folder / "circle", "new"); }),
            (folder / "circle") + ": expected a file, found links that lead in a circle");
  fs::remove(folder / "circle");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"taken"});
}

TEST(WriteSafetensors, KeepsTheOldFileWhenTheDiskIsFull) {
  TemporaryFolder folder;
  folder.write("x.safetensors", "old");
  const std::string data(1 << 20, 'x');
  std::string message;
  {
    const FileSizeLimit limit(64 << 10);
    message = message_of([&] {
      write_safetensors(folder / "x.safetensors",
                        std::vector{tensor("a", Dtype::uint8, {1 << 20}, data)});
    });
  }
  EXPECT_EQ(message,
            (folder / "x.safetensors") + ": writing failed: File too large; nothing was changed");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x.safetensors"});
  EXPECT_EQ(read_text(folder / "x.safetensors"), "old");
}

}  // namespace
}  // namespace crescent
