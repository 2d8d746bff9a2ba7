#pragma once
#include <cstddef>
#include <cstdint>

namespace crescent::kernels {

/// to[c, r] = from[r, c], exact. GPT-2's Conv1D weights [in, out] become [out, in] once, at load.
struct Transpose {
  const float* from = nullptr;  ///< (R, C)
  int64_t from_stride = 0;
  int64_t rows = 0;     ///< R
  float* to = nullptr;  ///< (C, R); must not overlap `from`
  int64_t to_stride = 0;
};

}  // namespace crescent::kernels

namespace crescent {

/// Zeroed memory of its own, in huge pages where the kernel grants them (a wish, never an error): a
/// pass over weights misses the TLB 512 times less often. The address is a multiple of 2 MiB.
class HugePages {
 public:
  HugePages() = default;
  /// @throws OutOfMemory
  explicit HugePages(size_t bytes);
  ~HugePages();
  HugePages(HugePages&& other) noexcept;
  HugePages& operator=(HugePages&& other) noexcept;

  void* data() const { return data_; }
  float* floats() const { return static_cast<float*>(data_); }
  size_t bytes() const { return bytes_; }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace crescent
