#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/memory.h"
#include "engine/system_files.h"
#include "engine/threads.h"

namespace crescent {

/// Facts and limits of this machine. What can't be read is absent with a reason: a field whose name
/// stands in `absent` holds nothing to be shown.
struct Machine {
  std::string cpu;  ///< as the kernel names it
  int cores = 0;    ///< that this process may use: affinity and cgroup quota
  int cores_online = 0;
  std::vector<std::string> isa;  ///< { "sse2", "avx2", "fma", "avx512_vnni", "amx_bf16" ... }
  struct Cache {
    int level;
    std::string type;
    int64_t bytes;
    int shared_by;
  };
  std::vector<Cache> caches;
  int64_t memory_bytes = 0;
  std::optional<std::string> governor;  ///< cpufreq; absent in most virtual machines
  double load_1min = 0;

  struct Bandwidth {
    int64_t bytes;
    double one_thread_gb_s;
    std::optional<double> all_threads_gb_s;  ///< nothing where the system gave no threads
  };
  std::vector<Bandwidth> read_bandwidth;  ///< by working set, 1 MB .. 1 GB
  double fp32_gflop_s = 0;                ///< FMA peak, all threads
  double fp32_gflop_s_one_thread = 0;
  /// Of products of narrower numbers; a multiplication and an addition are two operations.
  struct MatrixPeak {
    std::string by;  ///< the instruction: "tdpbf16ps"
    double one_thread_gop_s;
    std::optional<double> gop_s;  ///< all threads; nothing where the system gave no threads
  };
  std::optional<MatrixPeak> bf16, int8;  ///< nothing where the CPU has no instruction for them
  /// { "governor", "no cpufreq in /sys" }
  std::vector<std::pair<std::string, std::string>> absent;
};

// Functions with a `root` read <root>/proc and <root>/sys, so that tests can bring their own.

/// Facts only: instant.
Machine machine_facts(const std::string& root = "/");
/// Facts and limits. Measuring takes about 2 s (longer on a crowded machine); kept for the
/// process's life (for each number of threads) unless `refresh`, which changes the kept one in
/// place. Not for two threads at once. `threads`: what "all threads" means; where the system gives
/// fewer, what needs them is absent.
const Machine& machine_limits(int threads, bool refresh = false);

/// Read bandwidth of all threads at a working set, interpolated between those measured (on a log
/// scale of bytes), the nearest one's outside of them. GB/s, 1 GB = 1e9 bytes.
/// @throws Error if none was measured with all threads.
double bandwidth_at(const Machine& machine, double bytes);

/// Read bandwidth of all threads at about this working set (its size rounded up to a power of two,
/// at most 1 GiB and a quarter of the available memory), measured once for the process's life.
/// Cost: 0.1 s the first time, more on a crowded machine. GB/s. @throws Error without memory.
double read_bandwidth_gb_s(int threads, double bytes);

/// Warnings about this moment: a busy machine, a scaling governor, another crescent that times.
std::vector<std::string> timing_warnings(const std::string& root = "/");

/// Held while timing; a second process that holds it sees a warning (an advisory lock on a file in
/// $XDG_RUNTIME_DIR or /tmp). Never blocks and never fails. Several in one process count as one.
class TimingLock {
 public:
  TimingLock();
  ~TimingLock();
  TimingLock(const TimingLock&) = delete;
  TimingLock& operator=(const TimingLock&) = delete;
  bool alone() const;  ///< no other process held one when this process took it, nor does now
};

/// What the process takes at most while one of these lives does not count as its peak: measuring a
/// machine takes a gigabyte that nothing measured afterwards should answer for. Where the kernel
/// lets no peak be forgotten (/proc/self/clear_refs), it counts.
class PeakPause {
 public:
  PeakPause();
  ~PeakPause();
  PeakPause(const PeakPause&) = delete;
  PeakPause& operator=(const PeakPause&) = delete;
};

struct ProcessMemory {
  int64_t rss_bytes, rss_bytes_peak;
  std::optional<int64_t> pss_bytes;
};
/// Resident memory alone: some microseconds. Nothing if /proc/self/statm can't be read.
std::optional<int64_t> resident_bytes(const SystemFiles& files);
/// @throws Error if /proc/self can't be read.
ProcessMemory process_memory(const std::string& root = "/");

}  // namespace crescent
