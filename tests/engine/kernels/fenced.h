#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <new>
#include <random>
#include <vector>

#include "engine/kernels/kernels.h"

namespace crescent::kernels {

inline std::vector<Isa> available() {
  std::vector<Isa> found;
  for (Isa isa : kIsas)
    if (is_available(isa)) found.push_back(isa);
  return found;
}

/// Floats that end where memory ends: reading or writing behind them is a crash. Their address is
/// as odd as their number. In front of them stand numbers that `intact` expects unchanged.
class Fenced {
 public:
  explicit Fenced(int64_t count, float value = 0) : count_(static_cast<size_t>(count)) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    const size_t pages = (count_ * sizeof(float) + kBefore * sizeof(float) + page - 1) / page;
    bytes_ = (pages + 1) * page;
    memory_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
    char* const end = static_cast<char*>(memory_) + pages * page;
    mprotect(end, page, PROT_NONE);
    data_ = reinterpret_cast<float*>(end) - count_;
    for (size_t i = 0; i < kBefore; ++i) data_[-1 - static_cast<int64_t>(i)] = kFence;
    for (size_t i = 0; i < count_; ++i) data_[i] = value;
  }
  ~Fenced() { munmap(memory_, bytes_); }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;

  /// Normal numbers, the same for the same seed.
  Fenced& fill(uint32_t seed, float spread = 1) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal(0, spread);
    for (size_t i = 0; i < count_; ++i) data_[i] = normal(random);
    return *this;
  }

  float* data() const { return data_; }
  float& operator[](int64_t i) const { return data_[i]; }
  int64_t size() const { return static_cast<int64_t>(count_); }
  bool intact() const {
    for (size_t i = 0; i < kBefore; ++i)
      if (data_[-1 - static_cast<int64_t>(i)] != kFence) return false;
    return true;
  }
  bool same_bits(const Fenced& other) const {
    return count_ == other.count_ && std::memcmp(data_, other.data_, count_ * sizeof(float)) == 0;
  }

 private:
  static constexpr size_t kBefore = 32;
  static constexpr float kFence = 12345.678f;
  size_t count_, bytes_ = 0;
  void* memory_ = nullptr;
  float* data_ = nullptr;
};

}  // namespace crescent::kernels
