#pragma once
#include <filesystem>
#include <string>

namespace crescent {

/// A whole file, of at most 256 MiB. @throws Error naming the path.
std::string read_text(const std::filesystem::path& path);

}  // namespace crescent
