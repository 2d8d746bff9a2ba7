#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace crescent {

/// Facts and limits of this machine. What can't be read is absent with a reason, never zero.
struct Machine {
  std::string cpu;                        ///< as the kernel names it
  int cores = 0;                          ///< that this process may use: affinity and cgroup quota
  int cores_online = 0;
  std::vector<std::string> isa;           ///< { "sse2", "avx2", "fma", "avx512f", "avx512_vnni", "amx_bf16" ... }
  struct Cache { int level; std::string type; int64_t bytes; int shared_by; };
  std::vector<Cache> caches;
  int64_t memory_bytes = 0;
  std::optional<std::string> governor;    ///< cpufreq; absent in most virtual machines
  double load_1min = 0;

  struct Bandwidth { int64_t bytes; double one_thread_gb_s; double all_threads_gb_s; };
  std::vector<Bandwidth> read_bandwidth;  ///< by working set, 1 MB .. 1 GB
  double fp32_gflop_s = 0;                ///< FMA peak, all threads
  double fp32_gflop_s_one_thread = 0;
  std::vector<std::pair<std::string, std::string>> absent;  ///< { "governor", "no cpufreq in /sys" }
};

/// Cores that this process may use: the smaller of affinity and cgroup quota (rounded up).
int usable_cores();

/// Facts only: instant.
Machine machine_facts();
/// Facts and limits. Measuring takes about 2 s; kept for the process's life unless `refresh`.
/// `threads`: what "all threads" means.
const Machine& machine_limits(int threads, bool refresh = false);

/// Read bandwidth at a working set, interpolated between those measured (on a log scale), GB/s.
double bandwidth_at(const Machine& machine, double bytes);

/// Warnings about this moment: a busy machine, a scaling governor, another crescent that times.
std::vector<std::string> timing_warnings();

/// Held while timing; a second process that holds it sees a warning (an advisory lock on a file in
/// $XDG_RUNTIME_DIR or /tmp). Never blocks and never fails.
class TimingLock {
 public:
  TimingLock();
  ~TimingLock();
  TimingLock(const TimingLock&) = delete;
  TimingLock& operator=(const TimingLock&) = delete;
  bool alone() const { return alone_; }
 private:
  int fd_ = -1;
  bool alone_ = true;
};

struct ProcessMemory { int64_t rss_bytes, rss_bytes_peak; std::optional<int64_t> pss_bytes; };
ProcessMemory process_memory();
int64_t memory_available_bytes();  ///< MemAvailable, or what the cgroup leaves, whichever is less

}  // namespace crescent
