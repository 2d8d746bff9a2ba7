#pragma once
// Energy: what sources tell, and what a stretch of time took.
//
// A sensor counts joules by domain from the moment it was made. Whoever measures reads it before
// and after; `energy_between` tells what was spent, every figure with its label. Nothing that was
// not measured is ever a number.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "profiler/clock.h"

namespace crescent {

enum class EnergyLabel : uint8_t { measured, estimated, absent };
const char* name_of(EnergyLabel);

/// A part of the machine that is counted by itself.
struct EnergyDomain {
  std::string name;  ///< 'package-0', 'package-0/dram', 'psys'
  /// Counted in the total? Domains that are parts of others, or hold them, are shown but not added.
  bool in_total = false;
  std::string why_not;  ///< 'a part of package-0'; empty if it is
};

/// What a source is, before anything is measured.
struct EnergySource {
  std::string name;       ///< 'rapl', 'recorded', 'none'
  std::string looked_at;  ///< files
  std::string found;      ///< names of what is there, readable or not; empty: nothing
  EnergyLabel label = EnergyLabel::absent;
  std::string reason;  ///< why it is estimated or absent; empty if measured
  std::string enable;  ///< what would make it measured; empty if it is or nothing would
  std::vector<EnergyDomain> domains;
};

/// Counters at one moment.
struct EnergyReading {
  int64_t time_ns = 0;         ///< by the sensor's clock
  std::vector<double> joules;  ///< by domain, since the sensor was made; never falls
  /// By domain: why it can't be counted any more; empty while it can.
  std::vector<std::string> lost;
  /// By domain: the last moment that a counter may have run round more than once; -1: never.
  std::vector<int64_t> doubtful_ns;
};

/// Not for two threads at once.
class EnergySensor {
 public:
  virtual ~EnergySensor() = default;
  virtual const EnergySource& source() const = 0;
  /// Counters run round: to be called at least every minute while something is measured.
  virtual void poll() = 0;
  virtual EnergyReading read() = 0;
};

struct Energy {
  std::optional<double> joules;  ///< nothing if absent
  EnergyLabel label = EnergyLabel::absent;
  std::string reason;  ///< of what is estimated or absent; of a total, what it is without
};

struct EnergySpent {
  double time_s = 0;
  std::vector<Energy> domains;  ///< as EnergySource::domains
  Energy total;                 ///< of those that are added
};

/// A counter that did not move is absent, not 0: nothing that is on takes nothing. The total is
/// absent if a package's is; it tells what memory it is without.
EnergySpent energy_between(const EnergySource& source, const EnergyReading& begin,
                           const EnergyReading& end);

/// Reads, sleeps in pieces that Ctrl-C ends, reads. Does not wait for a sensor that tells nothing.
EnergySpent measure_for(EnergySensor& sensor, double seconds);

/// What the machine takes when nothing runs.
struct IdlePower {
  std::optional<double> watts;
  std::string reason;  ///< why it is absent
  double over_s = 0;   ///< measured for so long
};
/// `idle`: a time in which nothing ran, as `measure_for` gives it before a run.
IdlePower idle_power(const EnergySpent& idle);

/// The total less what an idle machine takes in that time: a figure of its own, beside the total,
/// and estimated: nobody knows what the machine would have done meanwhile. Absent if less is left
/// than nothing.
Energy above_idle(const EnergySpent& spent, const IdlePower& idle);

/// RAPL if this machine lets us read it, else a sensor that says why there is none.
std::unique_ptr<EnergySensor> choose_energy_sensor(Clock& clock, const std::string& root = "/");

}  // namespace crescent
