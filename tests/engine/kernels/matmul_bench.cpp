// Products of GPT-2 124M's shapes. Up to 8 rows are measured against reading the weights from
// memory: as many matrices of the shape as make 256 MB, one behind the other, as a model has them.
// More rows are measured against multiply-adds in registers.
#include <random>
#include <vector>

#include "tests/engine/kernels/bench.h"

namespace crescent::kernels {
namespace {

/// Never the same numbers twice in a row; what they are doesn't matter to the time.
void fill(float* to, int64_t count) {
  std::minstd_rand random(1);
  for (int64_t i = 0; i < count; ++i)
    to[i] = static_cast<float>(random() % 2048) * (1.0f / 1024) - 1;
}

void multiply(benchmark::State& state) {
  const int64_t inputs = state.range(0), outs = state.range(1), rows = state.range(2);
  const int64_t matrix = inputs * outs;
  const int64_t copies = rows <= 8 ? std::max<int64_t>(1, 64'000'000 / matrix) : 1;
  const HugePages w(static_cast<size_t>(copies * matrix) * sizeof(float));
  fill(w.floats(), copies * matrix);
  std::vector<float> x(static_cast<size_t>(rows * inputs)), y(static_cast<size_t>(rows * outs));
  std::vector<float> bias(static_cast<size_t>(outs));
  fill(x.data(), rows * inputs);
  Matmul job = {.x = x.data(),
                .x_stride = inputs,
                .w = stored(w.floats(), inputs),
                .inputs = inputs,
                .bias = bias.data(),
                .y = y.data(),
                .y_stride = outs};
  const auto run = [&] {
    bench_team().run([&](const Rank& rank) {
      Matmul mine = job;
      const Range part = share_of(outs, rank, kOutsGrain);
      for (int64_t copy = 0; copy < copies; ++copy, mine.w = from_row(mine.w, outs)) {
        kernels().multiply(mine, {0, rows, part.begin, part.end});
        rank.barrier();
      }
    });
  };
  const double flops = 2.0 * static_cast<double>(copies * matrix * rows);
  if (rows <= 8) {
    against_bandwidth(state, w.data(), copies * matrix * int64_t{sizeof(float)}, run);
  } else {
    against_peak(state, flops, run);
  }
}

void shapes(benchmark::internal::Benchmark* bench) {
  for (const int64_t rows : {1, 4, 8, 64, 512}) {
    for (const auto& [inputs, outs] :
         {std::pair{768, 2304}, {768, 768}, {768, 3072}, {3072, 768}, {768, 50257}})
      if (rows < 512 || outs < 50257) bench->Args({inputs, outs, rows});
  }
  bench->ArgNames({"K", "N", "M"})->Unit(benchmark::kMillisecond)->UseRealTime();
}
BENCHMARK(multiply)->Apply(shapes)->MinTime(0.2);

}  // namespace
}  // namespace crescent::kernels

BENCHMARK_MAIN();
