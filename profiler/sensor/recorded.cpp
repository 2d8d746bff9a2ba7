#include "profiler/sensor/recorded.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>

#include "engine/error.h"

namespace crescent {

RecordedSensor::RecordedSensor(Clock& clock, const std::filesystem::path& path)
    : clock_(&clock), start_ns_(clock.now_ns()) {
  source_.name = "recorded";
  source_.looked_at = path.string();
  source_.label = EnergyLabel::estimated;
  source_.reason = fmt::format("replayed from {}, not measured in this run", path.string());
  source_.enable = "a sensor of this machine";
  source_.domains = {{.name = "recorded", .in_total = true, .why_not = ""}};
  std::ifstream file(path);
  if (!file) fail("{}: expected a power trace, but it can't be read", path.string());
  int number = 0;
  for (std::string line; std::getline(file, line);) add_line(line, ++number);
  if (points_.size() < 2)
    fail("{}: expected at least two lines 'TIME_S WATTS', found {}", path.string(), points_.size());
  if (points_[0].time_s > 0)
    fail("{}: expected a trace from time 0 on, found one from {} s", path.string(),
         points_[0].time_s);
  source_.found = fmt::format("{} lines over {} s", points_.size(), points_.back().time_s);
}

void RecordedSensor::add_line(std::string_view line, int number) {
  const std::string text(line.substr(0, line.find('#')));
  if (text.find_first_not_of(" \t\r") == text.npos) return;
  std::istringstream stream(text);
  Point point{};
  std::string more;
  if (!(stream >> point.time_s >> point.watts) || (stream >> more) ||
      !std::isfinite(point.time_s) || !(point.time_s >= 0) || !std::isfinite(point.watts) ||
      !(point.watts >= 0))
    fail("{}, line {}: expected 'TIME_S WATTS', two numbers from 0 on, found '{}'",
         source_.looked_at, number, line);
  if (!points_.empty()) {
    const Point& last = points_.back();
    if (point.time_s <= last.time_s)
      fail("{}, line {}: expected a time after {} s, found {} s", source_.looked_at, number,
           last.time_s, point.time_s);
    point.joules = last.joules + (point.time_s - last.time_s) * (point.watts + last.watts) / 2;
  }
  points_.push_back(point);
}

EnergyReading RecordedSensor::read() {
  EnergyReading reading;
  reading.time_ns = clock_->now_ns();
  reading.doubtful_ns = {-1};
  const double now_s = 1e-9 * static_cast<double>(reading.time_ns - start_ns_);
  if (now_s > points_.back().time_s) {
    reading.joules = {points_.back().joules};
    reading.lost = {fmt::format("{} ends at {} s", source_.looked_at, points_.back().time_s)};
    return reading;
  }
  const auto next =
      std::upper_bound(points_.begin() + 1, points_.end() - 1, now_s,
                       [](double time_s, const Point& p) { return time_s < p.time_s; });
  const Point &after = *next, &before = *(next - 1);
  const double passed_s = now_s - before.time_s;
  const double share = passed_s / (after.time_s - before.time_s);
  const double watts = before.watts + share * (after.watts - before.watts);
  reading.joules = {before.joules + passed_s * (before.watts + watts) / 2};
  reading.lost = {""};
  return reading;
}

}  // namespace crescent
