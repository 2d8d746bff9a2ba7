#include <sys/mman.h>

#include <algorithm>
#include <utility>

#include "engine/kernels/transpose.h"
#include "engine/memory.h"

namespace crescent {
namespace {

constexpr size_t kHugePage = size_t{2} << 20;
constexpr const char* kWhat = "a copy of weights in huge pages";

}  // namespace

HugePages::HugePages(size_t bytes) {
  if (bytes == 0) return;
  require_memory(static_cast<int64_t>(std::min(bytes, size_t{1} << 62)), kWhat);
  // A huge page more is asked for, and what lies before and behind whole ones given back.
  const size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* const got =
      mmap(nullptr, whole + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (got == MAP_FAILED)
    throw OutOfMemory(fmt::format("{} needs {}, which the system refuses", kWhat,
                                  readable_bytes(static_cast<int64_t>(bytes))));
  char* const begin = static_cast<char*>(got);
  const size_t before = (kHugePage - reinterpret_cast<uintptr_t>(got) % kHugePage) % kHugePage;
  if (before > 0) munmap(begin, before);
  munmap(begin + before + whole, kHugePage - before);
  data_ = begin + before;
  bytes_ = bytes;
#ifdef MADV_HUGEPAGE
  madvise(data_, whole, MADV_HUGEPAGE);
#endif
}

HugePages::~HugePages() {
  if (data_) munmap(data_, (bytes_ + kHugePage - 1) / kHugePage * kHugePage);
}

HugePages::HugePages(HugePages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

HugePages& HugePages::operator=(HugePages&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace crescent
