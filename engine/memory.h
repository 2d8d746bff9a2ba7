#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace crescent {

/// Bytes that this process may still take: the kernel's MemAvailable, or what the tightest memory
/// cgroup above us leaves (file pages that it can drop count as free), whichever is less.
/// Where neither can be read, the largest number: no limit is known.
/// @param root  where /proc and /sys are; tests put their own tree there.
int64_t memory_available_bytes(const std::filesystem::path& root = "/");

/// Asked before memory is taken, because the kernel grants it first and kills later.
/// @throws Error "WHAT needs 6.2 GB, 4.1 GB free"
void require_memory(int64_t bytes, std::string_view what);
void require_memory(int64_t bytes, std::string_view what, int64_t available);

/// "6.2 GB", "498 MB", "12 kB": decimal units, as files and memory are sold.
std::string readable_bytes(int64_t bytes);

}  // namespace crescent
