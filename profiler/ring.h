#pragma once
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

namespace crescent {

/// A queue from one thread to one other that never locks, never allocates after it was made and
/// never waits: what finds no room is dropped and counted.
///
/// Each side writes only its own position. The producer releases what it wrote with `written_`, the
/// consumer releases the room with `read_`; positions only grow, and their low bits are the place.
template <class T>
class Ring {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  /// Room for at least so many, rounded up to a power of two.
  explicit Ring(size_t capacity) : places_(std::bit_ceil(capacity < 1 ? size_t{1} : capacity)) {}

  /// Producer. False if it was dropped.
  bool push(const T& value) {
    const uint64_t at = written_.load(std::memory_order_relaxed);
    if (at - read_.load(std::memory_order_acquire) == places_.size()) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
    places_[at & (places_.size() - 1)] = value;
    written_.store(at + 1, std::memory_order_release);
    return true;
  }

  /// Consumer: hands over all that was pushed before the call, oldest first. Returns how many.
  template <class Take>
  size_t drain(Take take) {
    uint64_t at = read_.load(std::memory_order_relaxed);
    const uint64_t end = written_.load(std::memory_order_acquire);
    const size_t count = end - at;
    for (; at != end; ++at) {
      const T value = places_[at & (places_.size() - 1)];
      read_.store(at + 1, std::memory_order_release);
      take(value);
    }
    return count;
  }

  size_t capacity() const { return places_.size(); }
  /// Any thread.
  int64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  // The two sides on cache lines of their own.
  alignas(64) std::atomic<uint64_t> written_{0};
  std::atomic<int64_t> dropped_{0};
  alignas(64) std::atomic<uint64_t> read_{0};
  alignas(64) std::vector<T> places_;
};

}  // namespace crescent
