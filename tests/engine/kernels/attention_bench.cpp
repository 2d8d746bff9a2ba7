// Attention of GPT-2 124M's 12 heads of 64. Decode is one query a head on caches of so many
// positions, in as many layers as make 64 MB: measured against reading them, in each width. Prefill
// is as many queries as positions: measured against multiply-adds, of which it needs 4 D for every
// pair of a query and a key that it sees.
#include <vector>

#include "tests/engine/kernels/bench.h"

namespace crescent::kernels {
namespace {

constexpr int64_t kHeads = 12, kHeadDim = 64;

void attend_decode(benchmark::State& state, Width width) {
  const int64_t positions = state.range(0), row = row_bytes(width, kHeadDim);
  const int64_t side = positions * row;
  const int64_t layers = std::max<int64_t>(1, 64'000'000 / (2 * kHeads * side));
  const HugePages kv(static_cast<size_t>(layers * 2 * kHeads * side));
  std::vector<float> scales(static_cast<size_t>(layers * 2 * kHeads * positions));
  std::vector<float> some(kHeadDim);
  for (int64_t i = 0; i < layers * 2 * kHeads * positions; ++i) {
    for (int64_t d = 0; d < kHeadDim; ++d)
      some[static_cast<size_t>(d)] = static_cast<float>((i + d) % 63) * 0.01f;
    quantize({.from = some.data(),
              .inputs = kHeadDim,
              .width = width,
              .to = static_cast<char*>(kv.data()) + i * row,
              .scales = scales.data() + i},
             0, 1);
  }
  const Stored all = {.data = kv.data(),
                      .width = width,
                      .stride = row,
                      .scales = width == Width::int8 ? scales.data() : nullptr};
  std::vector<float> q(kHeads * kHeadDim, 0.5f), y(kHeads * kHeadDim);
  const auto run = [&] {
    bench_team().run([&](const Rank& rank) {
      const Range heads = share_of(kHeads, rank);
      for (int64_t layer = 0; layer < layers; ++layer) {
        for (int64_t head = heads.begin; head < heads.end; ++head) {
          const int64_t first = (layer * kHeads + head) * 2 * positions;
          const Attention job = {.q = q.data() + head * kHeadDim,
                                 .k = from_row(all, first),
                                 .v = from_row(all, first + positions),
                                 .y = y.data() + head * kHeadDim,
                                 .head_dim = kHeadDim,
                                 .first_position = positions - 1,
                                 .scale = 0.125f};
          kernels().attend(job, {0, 1});
        }
        rank.barrier();
      }
    });
  };
  against_bandwidth(state, kv.data(), static_cast<int64_t>(kv.bytes()), run);
}
BENCHMARK_CAPTURE(attend_decode, fp32, Width::fp32)
    ->Arg(1)
    ->Arg(128)
    ->Arg(1000)
    ->MinTime(0.2)
    ->UseRealTime();
BENCHMARK_CAPTURE(attend_decode, bf16, Width::bf16)->Arg(1000)->MinTime(0.2)->UseRealTime();
BENCHMARK_CAPTURE(attend_decode, int8, Width::int8)->Arg(1000)->MinTime(0.2)->UseRealTime();

/// Rows of a cache as they are stored: a head's key or value at a time.
void quantize_rows(benchmark::State& state, Width width) {
  constexpr int64_t kRows = 512;
  std::vector<float> rows(kRows * kHeadDim), scales(kRows);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i % 63) * 0.01f;
  std::vector<char> to(static_cast<size_t>(kRows * row_bytes(width, kHeadDim)));
  const Quantization job = {.from = rows.data(),
                            .from_stride = kHeadDim,
                            .inputs = kHeadDim,
                            .width = width,
                            .to = to.data(),
                            .to_stride = row_bytes(width, kHeadDim),
                            .scales = scales.data()};
  for (auto _ : state) {
    if (state.range(0)) kernels().quantize(job, {0, kRows});
    else quantize(job, 0, kRows);
  }
  state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK_CAPTURE(quantize_rows, bf16, Width::bf16)->ArgName("kernel")->Arg(0)->Arg(1);
BENCHMARK_CAPTURE(quantize_rows, int8, Width::int8)->ArgName("kernel")->Arg(0)->Arg(1);

void attend_prefill(benchmark::State& state) {
  const int64_t positions = state.range(0), width = kHeads * kHeadDim;
  std::vector<float> qkv(static_cast<size_t>(positions * 3 * width));
  for (size_t i = 0; i < qkv.size(); ++i) qkv[i] = static_cast<float>(i % 63) * 0.01f;
  std::vector<float> y(static_cast<size_t>(positions * width));
  const auto run = [&] {
    bench_team().run([&](const Rank& rank) {
      const Range heads = share_of(kHeads, rank);
      for (int64_t head = heads.begin; head < heads.end; ++head) {
        const float* const q = qkv.data() + head * kHeadDim;
        const Attention job = {.q = q,
                               .q_stride = 3 * width,
                               .k = stored(q + width, 3 * width),
                               .v = stored(q + 2 * width, 3 * width),
                               .y = y.data() + head * kHeadDim,
                               .y_stride = width,
                               .head_dim = kHeadDim,
                               .scale = 0.125f};
        kernels().attend(job, {0, positions});
      }
    });
  };
  const auto T = static_cast<double>(positions);
  against_peak(state, 4.0 * kHeads * kHeadDim * T * (T + 1) / 2, run);
}
BENCHMARK(attend_prefill)->Arg(64)->Arg(512)->Arg(1000)->MinTime(0.2)->UseRealTime();

}  // namespace
}  // namespace crescent::kernels
