#pragma once
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include "engine/kernels/kernels.h"
#include "engine/kernels/probe.h"
#include "engine/team.h"
#include "engine/threads.h"

namespace crescent::kernels {

/// The least seconds of what was measured: others on the machine only ever add.
class Least {
 public:
  template <class F>
  void measure(F&& f) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    least_s_ = std::min(least_s_, took.count());
  }
  double seconds() const { return least_s_; }

 private:
  double least_s_ = std::numeric_limits<double>::infinity();
};

/// As many threads as crescent would take.
inline Team& bench_team() {
  static const std::unique_ptr<Team> team = make_thread_team(threads());
  return *team;
}

/// Reads these bytes with all threads: the limit of what must read them.
inline void read_all(const void* data, int64_t bytes) {
  bench_team().run([&](const Rank& rank) {
    const Range part = share_of(bytes, rank, 4096);
    benchmark::DoNotOptimize(probe().read(static_cast<const char*>(data) + part.begin,
                                          static_cast<size_t>(part.end - part.begin)));
  });
}

/// Does at least so many multiply-adds with all threads. Returns how many FLOPs.
inline double multiply_add_all(double flops) {
  const Probe& of = probe();
  float unused = 0;
  const double a_round = of.fma_fp32(1, &unused);
  const auto rounds = static_cast<int64_t>(flops / bench_team().size() / a_round) + 1;
  bench_team().run([&](const Rank&) {
    float sink = 1;
    of.fma_fp32(rounds, &sink);
    benchmark::DoNotOptimize(sink);
  });
  return a_round * static_cast<double>(rounds) * bench_team().size();
}

/// Alternates the kernel with reading what it must read. @param bytes  read by one call of either.
template <class Kernel>
void against_bandwidth(benchmark::State& state, const void* data, int64_t bytes, Kernel kernel) {
  Least ours, limit;
  for (auto _ : state) {
    limit.measure([&] { read_all(data, bytes); });
    ours.measure(kernel);
  }
  state.counters["GB/s"] = static_cast<double>(bytes) / ours.seconds() / 1e9;
  state.counters["limit"] = static_cast<double>(bytes) / limit.seconds() / 1e9;
  state.counters["share"] = limit.seconds() / ours.seconds();
}

/// Alternates the kernel with multiply-adds in registers. @param flops  of one call.
template <class Kernel>
void against_peak(benchmark::State& state, double flops, Kernel kernel) {
  Least ours, limit;
  double limit_flops = 0;
  for (auto _ : state) {
    limit.measure([&] { limit_flops = multiply_add_all(std::min(flops, 2e9)); });
    ours.measure(kernel);
  }
  const double rate = flops / ours.seconds(), peak = limit_flops / limit.seconds();
  state.counters["GFLOP/s"] = rate / 1e9;
  state.counters["limit"] = peak / 1e9;
  state.counters["share"] = rate / peak;
}

}  // namespace crescent::kernels
