#include "engine/formats/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "engine/error.h"

namespace crescent {
namespace {

/// Closes the descriptor on every way out; the mapping outlives it.
struct Descriptor {
  int number;
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
};

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::open(const std::filesystem::path& path) {
  // O_NONBLOCK: opening a named pipe would otherwise wait for a writer.
  const Descriptor descriptor{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (descriptor.number < 0) {
    fail("{}: expected a file that can be read: {}", path.string(), std::strerror(errno));
  }
  struct stat status {};
  if (::fstat(descriptor.number, &status) != 0) {
    fail("{}: expected a file that can be read: {}", path.string(), std::strerror(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    fail("{}: expected a regular file, found {}", path.string(),
         S_ISDIR(status.st_mode) ? "a folder" : "a device or pipe");
  }
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) {  // mmap refuses a length of 0
    return std::shared_ptr<const MappedFile>(new MappedFile(path, nullptr, 0));
  }
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.number, 0);
  if (data == MAP_FAILED) {
    fail("{}: mapping its {} bytes into memory failed: {}", path.string(), size,
         std::strerror(errno));
  }
  return std::shared_ptr<const MappedFile>(
      new MappedFile(path, static_cast<const std::byte*>(data), size));
}

std::optional<size_t> MappedFile::give_back(std::span<const std::byte> part) const {
  const auto begin = reinterpret_cast<uintptr_t>(part.data()), end = begin + part.size();
  const auto file = reinterpret_cast<uintptr_t>(data_);
  if (begin < file || end > file + size_) return std::nullopt;
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
  if (first >= last) return 0;
  // A wish: where the system doesn't grant it, the pages stay.
  // NOLINTNEXTLINE(performance-no-int-to-ptr): whole pages inside the mapping
  return ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED) == 0 ? last - first
                                                                                     : 0;
}

MappedFile::~MappedFile() {
  if (size_ > 0) ::munmap(const_cast<std::byte*>(data_), size_);
}

}  // namespace crescent
