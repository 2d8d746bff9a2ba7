#pragma once
// Lists of numbers as JSON text, the way the columns named *_json hold them.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace crescent {

/// "[1.5,2,0.1]": as few digits as give each number back. Finite numbers only: JSON has no others.
std::string json_of(std::span<const double> values);
/// "[120,null,80]"
std::string json_of(std::span<const std::optional<int64_t>> values);

struct Points {
  std::vector<int64_t> times_ns;
  std::vector<double> values;
};
/// "[[0,1.5],[10,2]]"; as many values as times.
std::string json_of(const Points& points);

// @throws Error naming the place where it is something else than such a list.
std::vector<double> doubles_of(std::string_view json);
std::vector<std::optional<int64_t>> integers_of(std::string_view json);
Points points_of(std::string_view json);

}  // namespace crescent
