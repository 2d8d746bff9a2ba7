#pragma once
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

namespace crescent {

/// A file mapped read-only. Everything that points into it shares its ownership.
class MappedFile {
 public:
  /// @throws Error with the path and the system's reason.
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const { return {data_, size_}; }
  /// Takes the pages that lie wholly in `part` out of this process's memory, if it is a part of
  /// this file: they come back from the file when they are read again.
  /// @return the bytes of those pages; nothing if it is no part.
  std::optional<size_t> give_back(std::span<const std::byte> part) const;
  const std::filesystem::path& path() const { return path_; }

 private:
  MappedFile(std::filesystem::path path, const std::byte* data, size_t size)
      : path_(std::move(path)), data_(data), size_(size) {}
  std::filesystem::path path_;
  const std::byte* data_;
  size_t size_;
};

}  // namespace crescent
