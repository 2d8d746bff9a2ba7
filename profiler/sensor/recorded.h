#pragma once
// A power trace from a file, for replays and for tests: lines
//
//   TIME_S WATTS
//
// from time 0 on, which is when the sensor was made; power goes straight from one to the next.
// Empty lines and what follows '#' don't count.
#include <filesystem>
#include <string_view>
#include <vector>

#include "profiler/sensor/sensor.h"

namespace crescent {

class RecordedSensor final : public EnergySensor {
 public:
  /// @throws Error naming the line that is no time and power, or goes back in time; or that the
  /// file can't be read, begins after 0 or has fewer than two lines.
  RecordedSensor(Clock& clock, const std::filesystem::path& path);

  const EnergySource& source() const override { return source_; }
  void poll() override {}
  EnergyReading read() override;

 private:
  struct Point {
    double time_s, watts;
    double joules;  ///< up to here
  };
  void add_line(std::string_view line, int number);

  Clock* clock_;
  int64_t start_ns_;
  EnergySource source_;
  std::vector<Point> points_;
};

}  // namespace crescent
