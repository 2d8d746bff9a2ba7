#include "engine/tokenizer/read_text.h"

#include <fstream>
#include <system_error>

#include "engine/error.h"

namespace crescent {

std::string read_text(const std::filesystem::path& path) {
  constexpr uintmax_t kBytesMax = 256u << 20;
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) fail("{}: not a file", path.string());
  const uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) fail("{}: {}", path.string(), error.message());
  if (bytes > kBytesMax) {
    fail("{}: expected at most {} bytes, got {}", path.string(), kBytesMax, bytes);
  }
  std::string text(bytes, '\0');
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("{}: cannot be opened", path.string());
  file.read(text.data(), static_cast<std::streamsize>(bytes));
  text.resize(static_cast<size_t>(file.gcount()));
  return text;
}

}  // namespace crescent
