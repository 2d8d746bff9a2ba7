#include "engine/system_files.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace crescent {

std::optional<std::string> SystemFiles::text(std::string_view path) const {
  std::ifstream file(root_ + "/" + std::string(path));
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return std::nullopt;  // an empty file has nothing to say
  std::string result = text.str();
  result.erase(result.find_last_not_of(" \t\n") + 1);
  return result;
}

std::optional<int64_t> SystemFiles::integer(std::string_view path) const {
  const auto found = text(path);
  return found ? leading_integer(*found) : std::nullopt;
}

std::optional<int64_t> leading_integer(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  int64_t value;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{})
    return std::nullopt;
  return value;
}

std::optional<std::string> field(std::string_view text, std::string_view name) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(name)) continue;
    std::string_view rest = line.substr(name.size());
    // "Pss" is not "Pss_Dirty", and /proc/cpuinfo writes "model name\t: AMD".
    if (rest.empty() || (rest[0] != ':' && rest[0] != ' ' && rest[0] != '\t')) continue;
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    if (rest.starts_with(':')) rest.remove_prefix(1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    return std::string(rest);
  }
  return std::nullopt;
}

std::optional<int64_t> field_kb_as_bytes(std::string_view text, std::string_view name) {
  const auto found = field(text, name);
  const auto kb = found ? leading_integer(*found) : std::nullopt;
  if (!kb || *kb < 0 || *kb > INT64_MAX / 1024) return std::nullopt;
  return *kb * 1024;
}

std::optional<int> count_of_list(std::string_view list) {
  int count = 0;
  while (!list.empty()) {
    const std::string_view part = list.substr(0, list.find(','));
    list.remove_prefix(std::min(part.size() + 1, list.size()));
    const auto first = leading_integer(part);
    const size_t dash = part.find('-');
    const auto last = dash == part.npos ? first : leading_integer(part.substr(dash + 1));
    constexpr int64_t kCoresMax = 1 << 20;
    if (!first || !last || *first < 0 || *last < *first || *last > kCoresMax) return std::nullopt;
    count += static_cast<int>(*last - *first) + 1;
  }
  return count > 0 ? std::optional(count) : std::nullopt;
}

std::optional<int64_t> bytes_of_size(std::string_view size) {
  const auto number = leading_integer(size);
  if (!number || *number < 0 || *number > (int64_t{1} << 32)) return std::nullopt;
  switch (size.empty() ? ' ' : size.back()) {
    case 'K': return *number << 10;
    case 'M': return *number << 20;
    case 'G': return *number << 30;
    default: return *number;
  }
}

}  // namespace crescent
