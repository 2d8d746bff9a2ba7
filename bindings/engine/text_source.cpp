#include "bindings/engine/text_source.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace crescent {

std::string read_text_file(const Args& args, std::string_view option, const std::string& path) {
  const auto refuse = [&] {
    args.bad(option, "a readable text file", fmt::format("'{}': {}", path, std::strerror(errno)));
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) refuse();
  std::string text;
  char part[1 << 16];
  for (size_t count; (count = std::fread(part, 1, sizeof part, file.get())) > 0;)
    text.append(part, count);
  if (std::ferror(file.get())) refuse();
  return text;
}

}  // namespace crescent
