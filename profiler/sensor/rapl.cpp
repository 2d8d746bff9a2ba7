#include "profiler/sensor/rapl.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>

#include "engine/system_files.h"

namespace crescent {
namespace {

constexpr const char* kPowercap = "sys/class/powercap/";
/// No package, and hardly a platform, takes more: a counter that could have run round at this power
/// since it was last read may have done so twice.
constexpr double kWattsMax = 1000;

constexpr const char* kEnableReading =
    "sudo chmod a+r /sys/class/powercap/intel-rapl*/energy_uj (until the next start of the "
    "machine; all its users can then read its power), or run as root";

/// The number in a counter's file, or why there is none.
std::optional<int64_t> read_number(const std::string& path, std::string& reason) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    reason = std::strerror(errno);
    return std::nullopt;
  }
  std::array<char, 64> text;
  const ssize_t length = ::read(file, text.data(), text.size());
  const int error = errno;
  ::close(file);
  if (length < 0) {
    reason = std::strerror(error);
    return std::nullopt;
  }
  const auto number = leading_integer(std::string_view(text.data(), static_cast<size_t>(length)));
  if (number && *number >= 0) return number;
  reason = "expected a number of microjoules";
  return std::nullopt;
}

bool is_mmio(std::string_view folder) { return folder.starts_with("intel-rapl-mmio"); }

/// 'intel-rapl:0', 'intel-rapl-mmio:0:2': a zone, not the folder of the driver itself.
bool is_zone(std::string_view folder) {
  return folder.starts_with("intel-rapl") && folder.find(':') != folder.npos;
}

std::vector<std::string> zones(const std::string& root) {
  std::vector<std::string> found;
  std::error_code error;
  for (std::filesystem::directory_iterator at(root + "/" + kPowercap, error), end;
       !error && at != end; at.increment(error)) {
    const std::string folder = at->path().filename();
    if (is_zone(folder)) found.push_back(folder);
  }
  // Zones before those below them, 2 before 10.
  std::sort(found.begin(), found.end(), [](const std::string& a, const std::string& b) {
    return std::tuple(is_mmio(a), a.size(), a) < std::tuple(is_mmio(b), b.size(), b);
  });
  return found;
}

bool is_package(std::string_view kind) { return kind.starts_with("package"); }
bool is_memory(std::string_view kind) { return kind == "dram"; }

}  // namespace

RaplSensor::RaplSensor(Clock& clock, std::string root) : clock_(&clock), root_(std::move(root)) {
  source_.name = "rapl";
  source_.looked_at = "/sys/class/powercap/intel-rapl*";
  find_counters();
  decide_total();
  decide_label();
}

void RaplSensor::find_counters() {
  const SystemFiles files(root_);
  for (const std::string& folder : zones(root_)) {
    const std::string zone = kPowercap + folder + "/";
    Counter counter;
    counter.folder = folder;
    counter.kind = files.text(zone + "name").value_or("");
    if (counter.kind.empty()) continue;
    const std::string above = folder.substr(0, folder.rfind(':'));
    for (const Counter& other : counters_)
      if (other.folder == above) counter.parent = other.kind;
    counter.range_uj =
        std::max<int64_t>(files.integer(zone + "max_energy_range_uj").value_or(0), 0);
    std::string reason;
    counter.last_ns = clock_->now_ns();
    if (const auto now = read_number(root_ + "/" + zone + "energy_uj", reason)) {
      counter.last_uj = *now;
    } else {
      const bool is_refused = reason == std::strerror(EACCES);
      counter.lost = fmt::format(
          "/{}energy_uj: {}{}", zone, reason,
          is_refused ? " (since CVE-2020-8694 the kernel lets root alone read it)" : "");
      if (is_refused) source_.enable = kEnableReading;
    }
    counters_.push_back(std::move(counter));
  }
}

EnergyDomain RaplSensor::domain_of(const Counter& counter, bool any_package) const {
  EnergyDomain domain;
  domain.name = counter.parent.empty() ? counter.kind : counter.parent + "/" + counter.kind;
  for (const Counter& other : counters_) {
    if (&other == &counter) break;
    if (!is_mmio(counter.folder) || other.kind != counter.kind || other.parent != counter.parent)
      continue;
    domain.why_not = "the counter of " + domain.name + " once more";
    domain.name += " (mmio)";
    return domain;
  }
  const bool stands_alone = counter.parent.empty() && counter.kind == "psys" && !any_package;
  domain.in_total = is_package(counter.kind) || is_memory(counter.kind) || stands_alone;
  if (domain.in_total) return domain;
  if (!counter.parent.empty()) domain.why_not = "a part of " + counter.parent;
  else if (counter.kind == "psys") domain.why_not = "it holds the packages";
  else domain.why_not = "unknown what else it is a part of";
  return domain;
}

void RaplSensor::decide_total() {
  const bool any_package = std::any_of(counters_.begin(), counters_.end(), [](const Counter& c) {
    return c.parent.empty() && is_package(c.kind);
  });
  for (const Counter& counter : counters_)
    source_.domains.push_back(domain_of(counter, any_package));
  for (const EnergyDomain& domain : source_.domains)
    source_.found += (source_.found.empty() ? "" : ", ") + domain.name;
}

void RaplSensor::decide_label() {
  const auto absent = [&](std::string reason, const char* enable) {
    source_.label = EnergyLabel::absent;
    source_.reason = std::move(reason);
    source_.enable = enable;
  };
  std::error_code unreadable;
  if (!std::filesystem::is_directory(root_ + "/" + kPowercap, unreadable))
    return absent(
        "no /sys/class/powercap: the kernel shows no energy counters, as in most virtual machines",
        "a machine that is not virtual, with an Intel or AMD processor; there, if the folder is "
        "missing: sudo modprobe intel_rapl_msr");
  if (counters_.empty() && !zones(root_).empty())
    return absent("the zones in /sys/class/powercap can't be read, as where a container hides them",
                  "run outside of the container, or let it see /sys/devices/virtual/powercap");
  if (counters_.empty())
    return absent(
        "no intel-rapl zone in /sys/class/powercap: the driver is not loaded, or does "
        "not know this processor",
        "sudo modprobe intel_rapl_msr");
  bool any = false;
  for (size_t i = 0; i < counters_.size(); ++i) {
    if (!source_.domains[i].in_total || is_memory(counters_[i].kind)) continue;
    any = true;
    if (counters_[i].lost.empty()) continue;
    source_.label = EnergyLabel::absent;
    source_.reason = counters_[i].lost;
    return;
  }
  if (!any)
    return absent("no zone in /sys/class/powercap is a package's or the whole platform's",
                  "a kernel that knows this processor");
  source_.label = EnergyLabel::measured;
}

void RaplSensor::poll(Counter& counter) {
  if (!counter.lost.empty()) return;
  const std::string file = std::string(kPowercap) + counter.folder + "/energy_uj";
  std::string reason;
  const auto now_uj = read_number(root_ + "/" + file, reason);
  const int64_t now_ns = clock_->now_ns();
  if (!now_uj) {
    counter.lost = fmt::format("/{}: {}", file, reason);
    return;
  }
  int64_t grown_uj = *now_uj - counter.last_uj;
  if (grown_uj < 0) {
    if (counter.range_uj < counter.last_uj) {
      counter.lost = fmt::format(
          "/{} fell from {} to {}, and max_energy_range_uj, {}, does not say where it began again",
          file, counter.last_uj, *now_uj, counter.range_uj);
      return;
    }
    grown_uj += counter.range_uj;
  }
  const double silent_s = 1e-9 * static_cast<double>(now_ns - counter.last_ns);
  if (counter.range_uj > 0 && silent_s * kWattsMax * 1e6 > static_cast<double>(counter.range_uj))
    counter.doubtful_ns = now_ns;
  counter.total_uj += grown_uj;
  counter.last_uj = *now_uj;
  counter.last_ns = now_ns;
}

void RaplSensor::poll() {
  for (Counter& counter : counters_) poll(counter);
}

EnergyReading RaplSensor::read() {
  EnergyReading reading;
  reading.time_ns = clock_->now_ns();
  poll();
  for (const Counter& counter : counters_) {
    reading.joules.push_back(1e-6 * static_cast<double>(counter.total_uj));
    reading.lost.push_back(counter.lost);
    reading.doubtful_ns.push_back(counter.doubtful_ns);
  }
  return reading;
}

}  // namespace crescent
