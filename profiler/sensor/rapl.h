#pragma once
// RAPL, the counters of Intel's and AMD's processors, as Linux's powercap shows them:
//
//   <root>/sys/class/powercap/intel-rapl:0/       name 'package-0' (on both makers' processors)
//                             intel-rapl:0:0/     'core', a part of it
//                             intel-rapl:0:1/     'uncore', a part of it
//                             intel-rapl:0:2/     'dram', beside it, though it is listed below
//                             intel-rapl:1/       'package-1', or 'psys': the whole platform
//                             intel-rapl-mmio:0/  the counter of package-0 once more
//
// each with energy_uj, which grows up to max_energy_range_uj and begins again. What is added: all
// packages and their dram; psys only where there is no package. Documentation/power/powercap in the
// kernel's sources.
#include <cstdint>
#include <string>
#include <vector>

#include "profiler/sensor/sensor.h"

namespace crescent {

class RaplSensor final : public EnergySensor {
 public:
  /// Looks for the counters and reads them once. Without one that is added and can be read, the
  /// source is absent with the reason.
  RaplSensor(Clock& clock, std::string root = "/");

  const EnergySource& source() const override { return source_; }
  void poll() override;
  EnergyReading read() override;

 private:
  struct Counter {
    std::string folder;  ///< 'intel-rapl:0:2'
    std::string kind;    ///< 'package-0', 'dram'
    std::string parent;  ///< name of the package that it is listed below; empty: of none
    int64_t last_uj = 0;
    int64_t last_ns = 0;
    int64_t range_uj = 0;  ///< 0: not told
    int64_t total_uj = 0;
    std::string lost;
    int64_t doubtful_ns = -1;
  };

  void find_counters();
  void decide_total();
  void decide_label();
  void poll(Counter& counter);
  EnergyDomain domain_of(const Counter& counter, bool any_package) const;

  Clock* clock_;
  std::string root_;
  EnergySource source_;
  std::vector<Counter> counters_;  ///< as source_.domains
};

}  // namespace crescent
