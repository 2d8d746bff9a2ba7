#pragma once
#include <optional>
#include <string>

#include "engine/system_files.h"

namespace crescent {

/// Where Linux tells the processor's temperature: a thermal zone or a hardware monitor that is
/// known to be the processor's; that of a disk or a radio says nothing about a run.
struct TemperatureSource {
  std::string name;  ///< 'x86_pkg_temp', 'coretemp'
  std::string path;  ///< from the root; a text in thousandths of a degree
};

/// The best of those that can be read now. Files are looked for in <root>/sys/class/thermal and
/// <root>/sys/class/hwmon.
std::optional<TemperatureSource> find_temperature(const std::string& root = "/");
extern const char* const kNoTemperature;  ///< the reason where there is none

/// Nothing if it can't be read or is no temperature that a processor has (-50 .. 200).
std::optional<double> temperature_c(const SystemFiles& files, const TemperatureSource& source);

}  // namespace crescent
