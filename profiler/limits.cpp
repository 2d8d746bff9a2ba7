// How fast this machine can read memory and multiply, as the same loops do it in our kernels: the
// limits against which every speed is set. Best of several repetitions, because a limit is what
// the machine can do, and whatever else runs on it can only make a repetition slower.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>

#include "engine/error.h"
#include "engine/interrupt.h"
#include "engine/kernels/probe.h"
#include "engine/kernels/probe_matrix.h"
#include "profiler/clock.h"
#include "profiler/machine.h"
#include "profiler/pages.h"
#include "profiler/team.h"

namespace crescent {
namespace {

/// Decimal, as GB/s are.
constexpr int64_t kMB = 1'000'000;
constexpr int64_t kWorkingSets[] = {kMB, 4 * kMB, 16 * kMB, 64 * kMB, 256 * kMB, 1024 * kMB};

/// Twelve measurements of memory and two to six of arithmetic, and a GiB to be touched: some 2 s.
constexpr int64_t kMeasurementNs = 100'000'000;
/// Where others want the cores too, a measurement takes longer rather than report their doing as
/// the machine's limit.
constexpr int64_t kMeasurementOnCrowdedMachineNs = 10 * kMeasurementNs;
constexpr int kRepetitionsMin = 5;
/// Timed at once: more than starting the threads costs (microseconds), less than the scheduler
/// leaves them alone for (milliseconds). On a busy machine no whole pass over 1 GB stays
/// undisturbed, but each of its pieces does at some time.
constexpr int64_t kPieceBytes = 64 * kMB;

/// Results of a thread, on a cache line of its own.
struct alignas(64) Result {
  uint64_t sum = 0;
  float sink = 0;
  double operations = 0;
};

/// One of `size` parts, in whole cache lines.
struct Slice {
  int64_t begin, bytes;
};
Slice slice_of(int64_t bytes, int rank, int size) {
  const int64_t lines = bytes / 64;
  const int64_t begin = lines * rank / size, end = lines * (rank + 1) / size;
  return {64 * begin, 64 * (end - begin)};
}

/// What all pieces take, in ns: the sum of each one's shortest time.
template <class Piece>
double best_ns(int pieces, Piece run_ns) {
  SteadyClock clock;
  const int64_t start = clock.now_ns();
  std::vector<int64_t> best(static_cast<size_t>(pieces), INT64_MAX);
  int repetitions = 0;
  int64_t spent;
  do {
    for (int64_t& shortest : best) {
      check_interrupt();
      shortest = std::min(shortest, run_ns(static_cast<int>(&shortest - best.data())));
    }
    ++repetitions;
    spent = clock.now_ns() - start;
  } while (spent < kMeasurementNs ||
           (repetitions < kRepetitionsMin && spent < kMeasurementOnCrowdedMachineNs));
  const int64_t sum = std::accumulate(best.begin(), best.end(), int64_t{0});
  return static_cast<double>(std::max<int64_t>(1, sum));
}

/// A working set larger than a piece is read piece after piece, so that each has left the caches
/// when its turn comes again; a smaller one several times over.
double read_gb_s(SpinTeam& team, const Pages& pages, int64_t bytes) {
  const kernels::Probe& probe = kernels::probe();
  std::vector<Result> results(static_cast<size_t>(team.size()));
  const int pieces = static_cast<int>(std::max<int64_t>(1, bytes / kPieceBytes));
  const int64_t passes = std::max<int64_t>(1, kPieceBytes / bytes);
  const double ns = best_ns(pieces, [&](int piece) {
    return team.run_ns([&](int rank) {
      const Slice own = slice_of(bytes, rank, team.size());
      const Slice part = slice_of(own.bytes, piece, pieces);
      for (int64_t pass = 0; pass < passes; ++pass)
        results[static_cast<size_t>(rank)].sum +=
            probe.read(pages.data() + own.begin + part.begin, static_cast<size_t>(part.bytes));
    });
  });
  return static_cast<double>(bytes * passes) / ns;
}

/// Billions of operations a second. @param run  so many rounds of one of the probes' loops
double gop_s(int threads, double (*run)(int64_t rounds, float* sink)) {
  SpinTeam team(threads);
  std::vector<Result> results(static_cast<size_t>(threads));
  constexpr int64_t kRounds = 200'000;  // some 1 to 5 ms
  const double ns = best_ns(1, [&](int) {
    return team.run_ns([&](int rank) {
      Result& result = results[static_cast<size_t>(rank)];
      result.operations = run(kRounds, &result.sink);
    });
  });
  double operations = 0;
  for (const Result& result : results) operations += result.operations;
  return operations / ns;
}

/// Measures, or says why there is no figure of that name: one that fails takes no other with it.
template <class Measure>
void attempt(Machine& machine, const char* name, Measure measure) {
  try {
    measure();
  } catch (const Interrupted&) {
    throw;
  } catch (const Error& error) {
    machine.absent.emplace_back(name, error.what());
  }
}

/// The fastest probe of these numbers that this CPU and CRESCENT_ISA allow. @throws Error if there
/// is none.
const kernels::MatrixProbe& matrix_probe(const Machine& machine, kernels::MatrixNumbers numbers) {
  std::string known;
  bool is_forbidden = false;
  for (const kernels::MatrixProbe& probe : kernels::matrix_probes()) {
    if (probe.numbers != numbers) continue;
    known += (known.empty() ? "" : ", ") + std::string(probe.needs);
    if (std::find(machine.isa.begin(), machine.isa.end(), probe.needs) == machine.isa.end())
      continue;
    if (kernels::isa() >= probe.isa) return probe;
    is_forbidden = true;
  }
  if (known.empty()) fail("no instructions are known for this kind of CPU");
  if (is_forbidden)
    fail("needs one of {}, and kernels for {} use none", known, kernels::name_of(kernels::isa()));
  fail("this CPU has none of {}", known);
}

Machine::MatrixPeak matrix_peak(Machine& machine, kernels::MatrixNumbers numbers, int threads) {
  const kernels::MatrixProbe& probe = matrix_probe(machine, numbers);
  if (probe.tiles) kernels::allow_tiles();
  Machine::MatrixPeak peak{probe.instruction, gop_s(1, probe.run), std::nullopt};
  const char* name = numbers == kernels::MatrixNumbers::bf16 ? "bf16.gflop_s" : "int8.gop_s";
  attempt(machine, name, [&] { peak.gop_s = gop_s(threads, probe.run); });
  return peak;
}

/// Memory that a measurement may take for a moment without pushing anybody into swapping.
int64_t bytes_to_spare() { return memory_available_bytes() / 4; }

/// Each thread its own part, so that it lies in that core's memory.
void touch(SpinTeam& team, const Pages& pages) {
  team.run_ns([&](int rank) {
    const Slice slice = slice_of(pages.bytes(), rank, team.size());
    std::memset(pages.data() + slice.begin, 1, static_cast<size_t>(slice.bytes));
  });
}

void measure_bandwidth(Machine& machine, int threads) {
  const int64_t spare = bytes_to_spare();
  int64_t largest = 0;
  for (int64_t bytes : kWorkingSets) {
    if (bytes <= spare) largest = bytes;
    else
      machine.absent.emplace_back(
          fmt::format("read_bandwidth at {} MB", bytes / kMB),
          fmt::format("needs at most a quarter of the available memory, which is {} MB",
                      spare / kMB));
  }
  if (largest == 0) return;
  const Pages pages(largest);
  for (int64_t bytes : kWorkingSets)
    if (bytes <= largest) machine.read_bandwidth.push_back({bytes, 0, std::nullopt});
  attempt(machine, "all_threads_gb_s", [&] {
    SpinTeam all(threads);
    touch(all, pages);
    for (auto& row : machine.read_bandwidth)
      row.all_threads_gb_s = read_gb_s(all, pages, row.bytes);
  });
  SpinTeam one(1);  // only now, when nobody spins beside it
  for (auto& row : machine.read_bandwidth) row.one_thread_gb_s = read_gb_s(one, pages, row.bytes);
}

Machine measured(int threads) {
  const PeakPause pause;
  const TimingLock lock;  // so that another process knows why its times are wide
  Machine machine = machine_facts();
  const auto multiply_add = kernels::probe().fma_fp32;
  machine.fp32_gflop_s_one_thread = gop_s(1, multiply_add);
  attempt(machine, "fp32_gflop_s", [&] { machine.fp32_gflop_s = gop_s(threads, multiply_add); });
  using kernels::MatrixNumbers;
  attempt(machine, "bf16",
          [&] { machine.bf16 = matrix_peak(machine, MatrixNumbers::bf16, threads); });
  attempt(machine, "int8",
          [&] { machine.int8 = matrix_peak(machine, MatrixNumbers::int8, threads); });
  attempt(machine, "read_bandwidth", [&] { measure_bandwidth(machine, threads); });
  return machine;
}

}  // namespace

const Machine& machine_limits(int threads, bool refresh) {
  if (threads < 1) fail("threads: expected at least 1, got {}", threads);
  static std::map<int, Machine> kept;
  const auto found = kept.find(threads);
  if (found != kept.end() && !refresh) return found->second;
  return kept.insert_or_assign(threads, measured(threads)).first->second;
}

double read_bandwidth_gb_s(int threads, double bytes) {
  static std::map<std::pair<int, int64_t>, double> kept;
  constexpr int64_t kSmallest = 1 << 20, kLargest = 1 << 30;
  int64_t size = kSmallest;
  const int64_t most = std::min(kLargest, bytes_to_spare());
  while (static_cast<double>(size) < bytes && size * 2 <= most) size *= 2;
  const auto found = kept.find({threads, size});
  if (found != kept.end()) return found->second;
  const PeakPause pause;
  const TimingLock lock;
  const Pages pages(size);
  SpinTeam all(threads);
  touch(all, pages);
  return kept[{threads, size}] = read_gb_s(all, pages, size);
}

double bandwidth_at(const Machine& machine, double bytes) {
  const auto& table = machine.read_bandwidth;
  if (table.empty() || !table.front().all_threads_gb_s)
    fail("bandwidth_at: no read bandwidth has been measured on this machine");
  if (!(bytes > 0)) fail("bandwidth_at: expected a positive number of bytes, got {}", bytes);
  const auto above = std::find_if(table.begin(), table.end(), [&](const Machine::Bandwidth& row) {
    return static_cast<double>(row.bytes) >= bytes;
  });
  if (above == table.begin()) return *above->all_threads_gb_s;
  if (above == table.end()) return *table.back().all_threads_gb_s;
  const auto& low = *(above - 1);
  const double share = std::log(bytes / static_cast<double>(low.bytes)) /
                       std::log(static_cast<double>(above->bytes) / static_cast<double>(low.bytes));
  return *low.all_threads_gb_s + share * (*above->all_threads_gb_s - *low.all_threads_gb_s);
}

}  // namespace crescent
