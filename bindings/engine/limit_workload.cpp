// What the machine can do, as work of its own: so that a limit is measured in turn with what is
// held against it. A limit that was measured before, on a machine that others use too, is another
// moment's.
#include <algorithm>
#include <cstring>
#include <vector>

#include "bindings/engine/workload.h"
#include "engine/error.h"
#include "engine/exec/openmp_team.h"
#include "engine/interrupt.h"
#include "engine/kernels/probe.h"
#include "engine/memory.h"
#include "engine/threads.h"
#include "profiler/pages.h"

namespace crescent {
namespace {

/// By the threads that the models use: others beside them would wait for a core.
class Limit : public Workload {
 public:
  double measure_ns(Clock& clock) final {
    check_interrupt();
    const int64_t start = clock.now_ns();
    for (int64_t unit = 0; unit < units_; ++unit) work(*team_);
    return static_cast<double>(clock.now_ns() - start);
  }
  at::Tensor answer() final { fail("a limit has no logits"); }
  double units() const final { return static_cast<double>(units_); }

 protected:
  explicit Limit(int64_t units)
      : units_(units),
        team_(make_openmp_team(threads())),
        results_(static_cast<size_t>(team_->size())) {}
  virtual void work(Team&) = 0;

  /// A thread's, on a cache line of its own: what was computed must go somewhere.
  struct alignas(64) Result {
    uint64_t sum = 0;
    float sink = 0;
  };
  Result& result_of(const Rank& rank) { return results_[static_cast<size_t>(rank.index)]; }
  Team& team() { return *team_; }

 private:
  int64_t units_;
  std::unique_ptr<Team> team_;
  std::vector<Result> results_;
};

class Reading final : public Limit {
 public:
  Reading(int64_t bytes, int64_t units) : Limit(units), pages_(checked(bytes)) {
    team().run([this](const Rank& rank) {  // each thread its own part, into its core's memory
      const Range own = part(rank);
      std::memset(pages_.data() + own.begin, 1, static_cast<size_t>(own.end - own.begin));
    });
  }

 private:
  static int64_t checked(int64_t bytes) {
    const int64_t available = memory_available_bytes();
    if (bytes > available)
      fail("reading {} bytes takes as much memory, and {} are available", bytes, available);
    return bytes;
  }
  void work(Team& team) override {
    team.run([this](const Rank& rank) {
      const Range own = part(rank);
      result_of(rank).sum += kernels::probe().read(pages_.data() + own.begin,
                                                   static_cast<size_t>(own.end - own.begin));
    });
  }
  Range part(const Rank& rank) const {
    constexpr int64_t kLine = 64;
    return share_of(pages_.bytes(), rank, kLine);
  }

  Pages pages_;
};

class Multiplying final : public Limit {
 public:
  Multiplying(double flops, int64_t units) : Limit(units), flops_(flops) {
    float sink = 0;
    flops_of_a_round_ = kernels::probe().fma_fp32(1, &sink);
  }

 private:
  void work(Team& team) override {
    team.run([this](const Rank& rank) {
      const double rounds = flops_ / rank.size / flops_of_a_round_;
      kernels::probe().fma_fp32(std::max<int64_t>(1, static_cast<int64_t>(rounds)),
                                &result_of(rank).sink);
    });
  }

  double flops_, flops_of_a_round_;
};

}  // namespace

std::unique_ptr<Workload> reading_workload(int64_t bytes, int64_t units) {
  return std::make_unique<Reading>(bytes, units);
}

std::unique_ptr<Workload> multiplying_workload(double flops, int64_t units) {
  return std::make_unique<Multiplying>(flops, units);
}

}  // namespace crescent
