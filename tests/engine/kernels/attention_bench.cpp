// Attention of GPT-2 124M's 12 heads of 64. Decode is one query a head on caches of so many
// positions, in as many layers as make 64 MB: measured against reading them. Prefill is as many
// queries as positions: measured against multiply-adds, of which it needs 4 D for every pair of a
// query and a key that it sees.
#include <vector>

#include "tests/engine/kernels/bench.h"

namespace crescent::kernels {
namespace {

constexpr int64_t kHeads = 12, kHeadDim = 64;

void attend_decode(benchmark::State& state) {
  const int64_t positions = state.range(0), cache = positions * kHeadDim;
  const int64_t layers = std::max<int64_t>(1, 16'000'000 / (2 * kHeads * cache));
  const HugePages kv(static_cast<size_t>(layers * 2 * kHeads * cache) * sizeof(float));
  for (int64_t i = 0; i < layers * 2 * kHeads * cache; ++i)
    kv.floats()[i] = static_cast<float>(i % 63) * 0.01f;
  std::vector<float> q(kHeads * kHeadDim, 0.5f), y(kHeads * kHeadDim);
  const auto run = [&] {
    bench_team().run([&](const Rank& rank) {
      const Range heads = share_of(kHeads, rank);
      for (int64_t layer = 0; layer < layers; ++layer) {
        for (int64_t head = heads.begin; head < heads.end; ++head) {
          const float* const k = kv.floats() + (layer * 2 * kHeads + 2 * head) * cache;
          const Attention job = {.q = q.data() + head * kHeadDim,
                                 .k = k,
                                 .k_stride = kHeadDim,
                                 .v = k + cache,
                                 .v_stride = kHeadDim,
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
BENCHMARK(attend_decode)->Arg(1)->Arg(128)->Arg(1000)->MinTime(0.2)->UseRealTime();

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
                               .k = q + width,
                               .k_stride = 3 * width,
                               .v = q + 2 * width,
                               .v_stride = 3 * width,
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
