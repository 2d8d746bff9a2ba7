#pragma once
#include <cstdint>
#include <memory>

namespace crescent {

/// Counts what LibTorch's CPU allocator gives this thread for as long as it lives. Freeing counts
/// too, so what is freed now but was allocated before makes `bytes_now` negative.
/// Cost: some 20 ns an allocation.
class AllocationWatch {
 public:
  AllocationWatch();
  ~AllocationWatch();
  AllocationWatch(const AllocationWatch&) = delete;
  AllocationWatch& operator=(const AllocationWatch&) = delete;

  int64_t count() const;      ///< allocations
  int64_t bytes_now() const;  ///< allocated and not freed
  /// The most that bytes_now was since the last call.
  int64_t take_peak();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace crescent
