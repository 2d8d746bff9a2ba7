// Norms, rotary positions and transposition, on one thread.
#include <vector>

#include "tests/engine/kernels/bench.h"

namespace crescent::kernels {
namespace {

void norm(benchmark::State& state, void (*apply)(const Norm&, Rows)) {
  const int64_t width = state.range(0);
  std::vector<float> x(static_cast<size_t>(width)), y(x), weight(x);
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 63);
  const Norm job = {
      .x = x.data(), .width = width, .weight = weight.data(), .eps = 1e-5f, .y = y.data()};
  for (auto _ : state) {
    apply(job, {0, 1});
    benchmark::DoNotOptimize(y.data());
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * width * int64_t{sizeof(float)});
}
void layer_norm(benchmark::State& state) { norm(state, kernels().layer_norm); }
void rms_norm(benchmark::State& state) { norm(state, kernels().rms_norm); }
BENCHMARK(layer_norm)->Arg(768)->MinTime(0.1);
BENCHMARK(rms_norm)->Arg(768)->MinTime(0.1);

void rotate(benchmark::State& state) {
  constexpr int64_t kHeads = 12, kHeadDim = 64;
  std::vector<float> x(kHeads * kHeadDim, 1.0f), cos(kHeadDim / 2, 0.8f), sin(kHeadDim / 2, 0.6f);
  const Rotate job = {.x = x.data(),
                      .x_stride = kHeadDim,
                      .heads = kHeads,
                      .head_dim = kHeadDim,
                      .pairs = kHeadDim / 2,
                      .cos = cos.data(),
                      .sin = sin.data(),
                      .y = x.data(),
                      .y_stride = kHeadDim};
  for (auto _ : state) {
    kernels().rotate(job);
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * kHeads * kHeadDim * int64_t{sizeof(float)});
}
BENCHMARK(rotate)->MinTime(0.1);

void transpose(benchmark::State& state) {
  constexpr int64_t kRows = 768, kColumns = 3072;
  std::vector<float> from(kRows * kColumns, 1.0f);
  const HugePages to(from.size() * sizeof(float));
  const Transpose job = {.from = from.data(),
                         .from_stride = kColumns,
                         .rows = kRows,
                         .to = to.floats(),
                         .to_stride = kRows};
  for (auto _ : state) {
    kernels().transpose(job, {0, kColumns});
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(2 * to.bytes()));
}
BENCHMARK(transpose)->MinTime(0.2)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace crescent::kernels
