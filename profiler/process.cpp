#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>

#include "engine/error.h"
#include "engine/system_files.h"
#include "profiler/machine.h"

namespace crescent {

std::optional<int64_t> resident_bytes(const SystemFiles& files) {
  // proc(5): statm counts pages: total, resident, ...
  const std::string statm = files.text("proc/self/statm").value_or("");
  const size_t blank = statm.find(' ');
  if (blank == statm.npos) return std::nullopt;
  const auto pages = leading_integer(std::string_view(statm).substr(blank));
  if (!pages || *pages < 0) return std::nullopt;
  return *pages * sysconf(_SC_PAGESIZE);
}

namespace {

/// The greatest peak before one was forgotten.
std::atomic<int64_t> peak_before{0};

}  // namespace

PeakPause::PeakPause() {
  try {
    peak_before = process_memory().rss_bytes_peak;
  } catch (const Error&) {
    // Without /proc there is no peak to keep.
  }
}

PeakPause::~PeakPause() {
  // proc(5): 5 resets the peak resident set size.
  if (std::FILE* const file = std::fopen("/proc/self/clear_refs", "w")) {
    std::fputs("5", file);
    std::fclose(file);
  }
}

ProcessMemory process_memory(const std::string& root) {
  const SystemFiles files(root);
  ProcessMemory memory{};

  const auto resident = resident_bytes(files);
  if (!resident)
    fail("{}/proc/self/statm: expected page counts, found '{}'; is /proc mounted?",
         root == "/" ? "" : root, files.text("proc/self/statm").value_or(""));
  memory.rss_bytes = *resident;

  // Some containers leave VmHWM out; the kernel then still tells getrusage.
  if (const auto peak = field_kb_as_bytes(files.text("proc/self/status").value_or(""), "VmHWM")) {
    memory.rss_bytes_peak = *peak;
  } else {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    memory.rss_bytes_peak = int64_t{usage.ru_maxrss} * 1024;
  }
  // The two are not read at one moment, and the kernel counts resident pages in batches.
  memory.rss_bytes_peak = std::max(memory.rss_bytes_peak, memory.rss_bytes);
  if (root == "/") memory.rss_bytes_peak = std::max<int64_t>(memory.rss_bytes_peak, peak_before);

  memory.pss_bytes = field_kb_as_bytes(files.text("proc/self/smaps_rollup").value_or(""), "Pss");
  return memory;
}

}  // namespace crescent
