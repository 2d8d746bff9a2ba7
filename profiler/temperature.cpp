#include "profiler/temperature.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>
#include <vector>

namespace crescent {
namespace {

/// Drivers by what they measure, the processor as a whole first. acpitz is the main board's, near
/// enough where nothing else is told.
constexpr std::string_view kKnown[] = {"x86_pkg_temp", "coretemp",    "k10temp", "zenpower",
                                       "cpu_thermal",  "cpu-thermal", "acpitz"};

/// Names of the entries of a folder that start so, sorted; none if there is no such folder.
std::vector<std::string> entries(const std::string& folder, std::string_view start) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    const std::string name = at->path().filename();
    if (name.starts_with(start)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

const char* const kNoTemperature =
    "no temperature of the processor in /sys/class/thermal or /sys/class/hwmon, as in most virtual "
    "machines";

std::optional<TemperatureSource> find_temperature(const std::string& root) {
  const SystemFiles files(root);
  std::optional<TemperatureSource> best;
  auto best_rank = std::end(kKnown);
  struct Place {
    const char *folder, *start, *name, *temperature;
  };
  const auto consider = [&](const Place& place, const std::string& entry) {
    const std::string folder = place.folder + entry;
    const std::string name = files.text(folder + place.name).value_or("");
    const std::string path = folder + place.temperature;
    const auto rank = std::find(std::begin(kKnown), std::end(kKnown), name);
    if (rank >= best_rank || !temperature_c(files, {name, path})) return;
    best_rank = rank;
    best = {name, path};
  };
  for (const Place& place : {Place{"sys/class/thermal/", "thermal_zone", "/type", "/temp"},
                             Place{"sys/class/hwmon/", "hwmon", "/name", "/temp1_input"}})
    for (const std::string& entry : entries(fmt::format("{}/{}", root, place.folder), place.start))
      consider(place, entry);
  return best;
}

std::optional<double> temperature_c(const SystemFiles& files, const TemperatureSource& source) {
  const auto thousandths = files.integer(source.path);
  if (!thousandths || *thousandths < -50'000 || *thousandths > 200'000) return std::nullopt;
  return static_cast<double>(*thousandths) / 1000;
}

}  // namespace crescent
