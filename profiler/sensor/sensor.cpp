#include "profiler/sensor/sensor.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "engine/error.h"
#include "engine/interrupt.h"
#include "profiler/sensor/none.h"
#include "profiler/sensor/rapl.h"

namespace crescent {
namespace {

Energy absent(std::string reason) { return {std::nullopt, EnergyLabel::absent, std::move(reason)}; }

Energy domain_between(const EnergySource& source, size_t i, const EnergyReading& begin,
                      const EnergyReading& end) {
  if (!end.lost[i].empty()) return absent(end.lost[i]);
  const double joules = end.joules[i] - begin.joules[i];
  const double time_s = 1e-9 * static_cast<double>(end.time_ns - begin.time_ns);
  if (!(joules > 0))
    return absent(
        fmt::format("the counter of {} stood still for {:.3g} s", source.domains[i].name, time_s));
  if (end.doubtful_ns[i] > begin.time_ns)
    return {joules, EnergyLabel::estimated,
            fmt::format("the counter of {} was not read for so long that it may have run round "
                        "more than once",
                        source.domains[i].name)};
  return {joules, source.label, source.reason};
}

bool is_memory(const EnergyDomain& domain) {
  return domain.name == "dram" || domain.name.ends_with("/dram");
}

/// The least sure of its parts decides what a total is.
Energy total_of(const EnergySource& source, const std::vector<Energy>& domains) {
  Energy total{0.0, EnergyLabel::measured, ""};
  bool any = false;
  for (size_t i = 0; i < domains.size(); ++i) {
    if (!source.domains[i].in_total) continue;
    const Energy& part = domains[i];
    if (!part.joules) {
      if (!is_memory(source.domains[i])) return part;
      total.reason += fmt::format("{}without {}: {}", total.reason.empty() ? "" : "; ",
                                  source.domains[i].name, part.reason);
      continue;
    }
    any = true;
    *total.joules += *part.joules;
    if (part.label <= total.label) continue;
    total.label = part.label;
    total.reason = part.reason + (total.reason.empty() ? "" : "; " + total.reason);
  }
  if (!any) return absent(source.reason.empty() ? "no domain that is added" : source.reason);
  return total;
}

}  // namespace

const char* name_of(EnergyLabel label) {
  switch (label) {
    case EnergyLabel::measured: return "measured";
    case EnergyLabel::estimated: return "estimated";
    case EnergyLabel::absent: return "absent";
  }
  return "?";
}

EnergySpent energy_between(const EnergySource& source, const EnergyReading& begin,
                           const EnergyReading& end) {
  EnergySpent spent;
  spent.time_s = 1e-9 * static_cast<double>(end.time_ns - begin.time_ns);
  for (size_t i = 0; i < source.domains.size(); ++i)
    spent.domains.push_back(domain_between(source, i, begin, end));
  spent.total = total_of(source, spent.domains);
  return spent;
}

EnergySpent measure_for(EnergySensor& sensor, double seconds) {
  const EnergyReading begin = sensor.read();
  if (sensor.source().label != EnergyLabel::absent) {
    SteadyClock clock;
    const int64_t end_ns = clock.now_ns() + static_cast<int64_t>(seconds * 1e9);
    for (int64_t left_ns; (left_ns = end_ns - clock.now_ns()) > 0;) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(std::min<int64_t>(left_ns, 50'000'000)));
      check_interrupt();
      sensor.poll();
    }
  }
  return energy_between(sensor.source(), begin, sensor.read());
}

IdlePower idle_power(const EnergySpent& idle) {
  IdlePower power;
  power.over_s = idle.time_s;
  if (idle.total.joules && idle.time_s > 0) power.watts = *idle.total.joules / idle.time_s;
  else power.reason = idle.total.reason;
  return power;
}

Energy above_idle(const EnergySpent& spent, const IdlePower& idle) {
  if (!spent.total.joules) return spent.total;
  if (!idle.watts) return absent("no idle power: " + idle.reason);
  const double joules = *spent.total.joules - *idle.watts * spent.time_s;
  const std::string subtracted = fmt::format("{:.3g} W for {:.3g} s, measured over {:.3g} s before",
                                             *idle.watts, spent.time_s, idle.over_s);
  if (joules < 0)
    return absent(
        fmt::format("less than an idle machine took ({}): it was not idle then", subtracted));
  return {joules, EnergyLabel::estimated, "less " + subtracted};
}

std::unique_ptr<EnergySensor> choose_energy_sensor(Clock& clock, const std::string& root) {
  auto rapl = std::make_unique<RaplSensor>(clock, root);
  if (rapl->source().label != EnergyLabel::absent) return rapl;
  return std::make_unique<NoSensor>(clock, rapl->source());
}

}  // namespace crescent
