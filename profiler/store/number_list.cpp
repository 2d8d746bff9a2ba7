#include "profiler/store/number_list.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

#include "engine/error.h"

namespace crescent {
namespace {

template <class Values, class Write>
std::string list_of(const Values& values, Write write) {
  fmt::memory_buffer text;
  text.push_back('[');
  bool first = true;
  for (const auto& value : values) {
    if (!first) text.push_back(',');
    first = false;
    write(std::back_inserter(text), value);
  }
  text.push_back(']');
  return fmt::to_string(text);
}

/// A whole double has '.0' behind it from fmt: two bytes that JSON can do without.
template <class Out>
void write_double(Out out, double value) {
  const bool whole = value >= -1e15 && value <= 1e15 && value == static_cast<int64_t>(value);
  if (whole) fmt::format_to(out, "{}", static_cast<int64_t>(value));
  else fmt::format_to(out, "{}", value);
}

/// Reads what the functions above wrote.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  template <class Each>
  void list(Each each) {
    expect("[");
    if (take("]")) return;
    do each();
    while (take(","));
    expect("]");
  }

  template <class T>
  T number() {
    T value{};
    const char* const end = text_.data() + text_.size();
    const auto [next, error] = std::from_chars(text_.data() + at_, end, value);
    if (error != std::errc()) refuse();
    at_ = static_cast<size_t>(next - text_.data());
    return value;
  }

  bool take(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) refuse();
  }
  void finish() const {
    if (at_ != text_.size()) refuse();
  }

 private:
  [[noreturn]] void refuse() const {
    fail("expected a list of numbers, found something else at byte {}", at_);
  }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

std::string json_of(std::span<const double> values) {
  return list_of(values, [](auto out, double value) { write_double(out, value); });
}

std::string json_of(std::span<const std::optional<int64_t>> values) {
  return list_of(values, [](auto out, const std::optional<int64_t>& value) {
    if (value) fmt::format_to(out, "{}", *value);
    else fmt::format_to(out, "null");
  });
}

std::string json_of(const Points& points) {
  size_t i = 0;
  return list_of(points.times_ns, [&](auto out, int64_t time) {
    fmt::format_to(out, "[{},", time);
    write_double(out, points.values[i++]);
    fmt::format_to(out, "]");
  });
}

std::vector<double> doubles_of(std::string_view json) {
  std::vector<double> values;
  Reader reader(json);
  reader.list([&] { values.push_back(reader.number<double>()); });
  reader.finish();
  return values;
}

std::vector<std::optional<int64_t>> integers_of(std::string_view json) {
  std::vector<std::optional<int64_t>> values;
  Reader reader(json);
  reader.list([&] {
    if (reader.take("null")) values.emplace_back();
    else values.emplace_back(reader.number<int64_t>());
  });
  reader.finish();
  return values;
}

Points points_of(std::string_view json) {
  Points points;
  Reader reader(json);
  reader.list([&] {
    reader.expect("[");
    points.times_ns.push_back(reader.number<int64_t>());
    reader.expect(",");
    points.values.push_back(reader.number<double>());
    reader.expect("]");
  });
  reader.finish();
  return points;
}

}  // namespace crescent
