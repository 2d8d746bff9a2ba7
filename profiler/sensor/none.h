#pragma once
#include <utility>

#include "profiler/sensor/sensor.h"

namespace crescent {

/// Where nothing tells the energy: says why, and what was looked for.
class NoSensor final : public EnergySensor {
 public:
  NoSensor(Clock& clock, EnergySource missing) : clock_(&clock), source_(std::move(missing)) {
    source_.name = "none";
    source_.label = EnergyLabel::absent;
    source_.domains.clear();
  }
  const EnergySource& source() const override { return source_; }
  void poll() override {}
  EnergyReading read() override {
    EnergyReading reading;
    reading.time_ns = clock_->now_ns();
    return reading;
  }

 private:
  Clock* clock_;
  EnergySource source_;
};

}  // namespace crescent
