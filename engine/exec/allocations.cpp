#include "engine/exec/allocations.h"

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>

namespace crescent {
namespace {

/// LibTorch reports to whatever of this kind the thread carries.
class Report final : public c10::MemoryReportingInfoBase {
 public:
  // LibTorch 1.13 declares it with int64_t, 2.x with size_t: one of the two overrides it.
  virtual void reportMemoryUsage(void*, int64_t size, int64_t, int64_t, c10::Device device) {
    take(size, device);
  }
  virtual void reportMemoryUsage(void*, int64_t size, size_t, size_t, c10::Device device) {
    take(size, device);
  }
  bool memoryProfilingEnabled() const override { return true; }

  int64_t count = 0, bytes = 0, peak = 0;

 private:
  void take(int64_t size, c10::Device device) {
    if (!device.is_cpu()) return;
    count += size > 0;
    bytes += size;
    peak = std::max(peak, bytes);
  }
};

}  // namespace

struct AllocationWatch::State {
  std::shared_ptr<Report> report = std::make_shared<Report>();
  c10::DebugInfoGuard guard{c10::DebugInfoKind::PROFILER_STATE, report};
};

AllocationWatch::AllocationWatch() : state_(std::make_unique<State>()) {}
AllocationWatch::~AllocationWatch() = default;

int64_t AllocationWatch::count() const { return state_->report->count; }
int64_t AllocationWatch::bytes_now() const { return state_->report->bytes; }

int64_t AllocationWatch::take_peak() {
  return std::exchange(state_->report->peak, state_->report->bytes);
}

}  // namespace crescent
