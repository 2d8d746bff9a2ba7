#pragma once
#include <cstdint>
#include <string>

#include "profiler/clock.h"
#include "tests/profiler/fake_system.h"

namespace crescent {

class HandClock final : public Clock {
 public:
  int64_t now_ns() override { return now_ns_; }
  void pass_s(double seconds) { now_ns_ += static_cast<int64_t>(seconds * 1e9); }

 private:
  int64_t now_ns_ = 1'000'000'000;
};

/// A folder that looks like the powercap part of sysfs.
class FakeRapl : public FakeSystem {
 public:
  static constexpr int64_t kRangeUj = 262'143'328'850;  // that of a real package

  FakeRapl& zone(const std::string& folder, const std::string& name, int64_t energy_uj,
                 int64_t range_uj = kRangeUj) {
    file(path(folder, "name"), name + "\n");
    file(path(folder, "max_energy_range_uj"), std::to_string(range_uj) + "\n");
    return energy(folder, energy_uj);
  }
  FakeRapl& energy(const std::string& folder, int64_t energy_uj) {
    file(path(folder, "energy_uj"), std::to_string(energy_uj) + "\n");
    return *this;
  }
  static std::string path(const std::string& folder, const std::string& file) {
    return "sys/class/powercap/" + folder + "/" + file;
  }
};

}  // namespace crescent
