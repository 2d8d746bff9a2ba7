// How fast this machine can read memory and multiply, as the same loops do it in our kernels: the
// limits against which every speed is set. Best of several repetitions, because a limit is what
// the machine can do, and whatever else runs on it can only make a repetition slower.
#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

#include "engine/error.h"
#include "engine/interrupt.h"
#include "engine/kernels/probe.h"
#include "profiler/clock.h"
#include "profiler/machine.h"
#include "profiler/team.h"

namespace crescent {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kWorkingSets[] = {kMiB, 4 * kMiB, 16 * kMiB, 64 * kMiB, 256 * kMiB, 1024 * kMiB};

/// Twelve measurements of memory and two of arithmetic, and a GiB to be touched: some 2 s.
constexpr int64_t kMeasurementNs = 100'000'000;
/// A repetition reads this much, so that starting the threads (microseconds) doesn't count.
constexpr int64_t kRepetitionBytes = 64 * kMiB;
constexpr int kRepetitionsMin = 3;

/// Results of a thread, on a cache line of its own.
struct alignas(64) Result {
  uint64_t sum = 0;
  float sink = 0;
  double flops = 0;
};

/// Memory straight from the kernel, in huge pages where it has them: with small ones, 1 GB needs
/// more address translations than the processor keeps, and the walk would be measured as well.
class Pages {
 public:
  explicit Pages(int64_t bytes) : bytes_(static_cast<size_t>(bytes)) {
    data_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data_ == MAP_FAILED) fail("{} bytes: the system gives no more memory", bytes);
    madvise(data_, bytes_, MADV_HUGEPAGE);  // a wish: without it the measurement still holds
  }
  ~Pages() { munmap(data_, bytes_); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  unsigned char* data() const { return static_cast<unsigned char*>(data_); }
  int64_t bytes() const { return static_cast<int64_t>(bytes_); }

 private:
  void* data_;
  size_t bytes_;
};

/// The part of a thread: whole cache lines.
struct Slice {
  int64_t begin, bytes;
};
Slice slice_of(int64_t bytes, int rank, int size) {
  const int64_t lines = bytes / 64;
  const int64_t begin = lines * rank / size, end = lines * (rank + 1) / size;
  return {64 * begin, 64 * (end - begin)};
}

/// The shortest repetition, in ns.
template <class Repetition>
int64_t best_ns(Repetition repetition) {
  SteadyClock clock;
  const int64_t start = clock.now_ns();
  int64_t best = INT64_MAX;
  for (int i = 0; i < kRepetitionsMin || clock.now_ns() - start < kMeasurementNs; ++i) {
    check_interrupt();
    best = std::min(best, repetition());
  }
  return std::max<int64_t>(1, best);
}

double read_gb_s(SpinTeam& team, const Pages& pages, int64_t bytes) {
  const kernels::Probe& probe = kernels::probe();
  std::vector<Result> results(static_cast<size_t>(team.size()));
  const int64_t passes = std::max<int64_t>(1, kRepetitionBytes / bytes);
  const auto read = [&](int rank) {
    const Slice slice = slice_of(bytes, rank, team.size());
    for (int64_t pass = 0; pass < passes; ++pass)
      results[static_cast<size_t>(rank)].sum +=
          probe.read(pages.data() + slice.begin, static_cast<size_t>(slice.bytes));
  };
  const int64_t ns = best_ns([&] { return team.run_ns(read); });
  return static_cast<double>(bytes * passes) / static_cast<double>(ns);
}

double fma_gflop_s(SpinTeam& team) {
  const kernels::Probe& probe = kernels::probe();
  std::vector<Result> results(static_cast<size_t>(team.size()));
  constexpr int64_t kRounds = 200'000;  // some 1 to 3 ms
  const auto multiply = [&](int rank) {
    Result& result = results[static_cast<size_t>(rank)];
    result.flops = probe.fma_fp32(kRounds, &result.sink);
  };
  const int64_t ns = best_ns([&] { return team.run_ns(multiply); });
  double flops = 0;
  for (const Result& result : results) flops += result.flops;
  return flops / static_cast<double>(ns);
}

/// Memory that a measurement may take for a moment without pushing anybody into swapping.
int64_t bytes_to_spare() { return memory_available_bytes() / 4; }

void measure_bandwidth(Machine& machine, int threads) {
  const int64_t spare = bytes_to_spare();
  int64_t largest = 0;
  for (int64_t bytes : kWorkingSets) {
    if (bytes <= spare) largest = bytes;
    else
      machine.absent.emplace_back(
          fmt::format("read_bandwidth at {} MiB", bytes / kMiB),
          fmt::format("needs at most a quarter of the available memory, which is {} MiB",
                      spare / kMiB));
  }
  if (largest == 0) return;
  const Pages pages(largest);
  for (int64_t bytes : kWorkingSets)
    if (bytes <= largest) machine.read_bandwidth.push_back({bytes, 0, 0});
  {
    SpinTeam all(threads);
    all.run_ns([&](int rank) {  // each its own part, so that it lies in that core's memory
      const Slice slice = slice_of(largest, rank, threads);
      std::memset(pages.data() + slice.begin, 1, static_cast<size_t>(slice.bytes));
    });
    for (auto& row : machine.read_bandwidth)
      row.all_threads_gb_s = read_gb_s(all, pages, row.bytes);
  }
  SpinTeam one(1);  // only now, when nobody spins beside it
  for (auto& row : machine.read_bandwidth) row.one_thread_gb_s = read_gb_s(one, pages, row.bytes);
}

Machine measured(int threads) {
  Machine machine = machine_facts();
  const auto peak = [](int size) {
    SpinTeam team(size);
    return fma_gflop_s(team);
  };
  machine.fp32_gflop_s_one_thread = peak(1);
  machine.fp32_gflop_s = peak(threads);
  try {
    measure_bandwidth(machine, threads);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    machine.absent.emplace_back("read_bandwidth", error.what());
  }
  return machine;
}

}  // namespace

const Machine& machine_limits(int threads, bool refresh) {
  static std::map<int, Machine> kept;
  const auto found = kept.find(threads);
  if (found != kept.end() && !refresh) return found->second;
  return kept.insert_or_assign(threads, measured(threads)).first->second;
}

double bandwidth_at(const Machine& machine, double bytes) {
  const auto& table = machine.read_bandwidth;
  if (table.empty()) fail("bandwidth_at: no read bandwidth has been measured on this machine");
  if (!(bytes > 0)) fail("bandwidth_at: expected a positive number of bytes, got {}", bytes);
  const auto above = std::find_if(table.begin(), table.end(), [&](const Machine::Bandwidth& row) {
    return static_cast<double>(row.bytes) >= bytes;
  });
  if (above == table.begin()) return above->all_threads_gb_s;
  if (above == table.end()) return table.back().all_threads_gb_s;
  const auto& low = *(above - 1);
  const double share = std::log(bytes / static_cast<double>(low.bytes)) /
                       std::log(static_cast<double>(above->bytes) / static_cast<double>(low.bytes));
  return low.all_threads_gb_s + share * (above->all_threads_gb_s - low.all_threads_gb_s);
}

}  // namespace crescent
