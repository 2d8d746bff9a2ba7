#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/error.h"

namespace crescent {

/// Bytes that this process may still take: the kernel's MemAvailable, or what the tightest memory
/// cgroup above us leaves (file pages that it can drop count as free), whichever is less.
/// @param root  <root>/proc and <root>/sys are read; tests bring their own.
/// @throws Error if <root>/proc/meminfo can't be read.
int64_t memory_available_bytes(const std::string& root = "/");

/// What require_memory throws: whoever can free something may do so and ask again.
class OutOfMemory : public Error {
 public:
  using Error::Error;
};

/// Asked before memory is taken, because the kernel grants it first and kills later.
/// Where /proc can't be read nothing is known, and nothing refused.
/// @throws OutOfMemory "WHAT needs 6.2 GB, 4.1 GB free"
void require_memory(int64_t bytes, std::string_view what);
void require_memory(int64_t bytes, std::string_view what, int64_t available);

/// "6.2 GB", "498 MB", "12 kB": decimal units, as files and memory are sold.
std::string readable_bytes(int64_t bytes);

}  // namespace crescent
