#pragma once
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>

#include "engine/error.h"

namespace crescent {

/// Memory straight from the kernel, in huge pages where it has them: with small ones, 1 GB needs
/// more address translations than the processor keeps, and the walk would be measured as well.
class Pages {
 public:
  explicit Pages(int64_t bytes) : bytes_(static_cast<size_t>(bytes)) {
    data_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) fail("{} bytes: the system gives no more memory", bytes);
    madvise(data_, bytes_, MADV_HUGEPAGE);  // a wish: without it the measurement still holds
  }
  ~Pages() { munmap(data_, bytes_); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  unsigned char* data() const { return static_cast<unsigned char*>(data_); }
  int64_t bytes() const { return static_cast<int64_t>(bytes_); }

 private:
  void* data_;
  size_t bytes_;
};

}  // namespace crescent
