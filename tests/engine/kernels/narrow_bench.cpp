// Products with weights that are stored narrower, beside fp32 in the same run. 768 inputs, 3072
// outs. Few rows are measured against reading the stored bytes from memory (96 MB of matrices, as
// a model has them one behind the other), more rows against the fp32 kernel ("fp32": time of fp32 /
// time).
#include <random>
#include <vector>

#include "tests/engine/kernels/bench.h"

namespace crescent::kernels {
namespace {

constexpr int64_t kInputs = 768, kOuts = 3072;
constexpr int64_t kStoredBytes = 96'000'000;

/// As many matrices as `bytes` hold, stored in one width; all are the same one.
class Matrices {
 public:
  Matrices(Width width, int64_t bytes)
      : bytes_(row_bytes(width, kInputs) * kOuts),
        copies_(std::max<int64_t>(1, bytes / bytes_)),
        data_(static_cast<size_t>(copies_ * bytes_)),
        scales_(kOuts) {
    std::minstd_rand random(1);
    std::vector<float> floats(kInputs * kOuts);
    for (float& x : floats) x = static_cast<float>(random() % 2048) * (1.0f / 1024) - 1;
    for (int64_t copy = 0; copy < copies_; ++copy) {
      char* const to = static_cast<char*>(data_.data()) + copy * bytes_;
      if (copy > 0) {
        std::copy_n(static_cast<const char*>(data_.data()), bytes_, to);
        continue;
      }
      quantize({.from = floats.data(),
                .from_stride = kInputs,
                .inputs = kInputs,
                .width = width,
                .to = to,
                .to_stride = row_bytes(width, kInputs),
                .scales = scales_.data()},
               0, kOuts);
    }
    first_ = {.data = data_.data(),
              .width = width,
              .stride = row_bytes(width, kInputs),
              .scales = width == Width::int8 ? scales_.data() : nullptr};
  }
  int64_t bytes() const { return copies_ * bytes_; }
  int64_t copies() const { return copies_; }
  Stored matrix(int64_t i) const {
    Stored w = first_;
    w.data = static_cast<const char*>(w.data) + i * bytes_;
    return w;
  }

 private:
  int64_t bytes_, copies_;
  HugePages data_;
  std::vector<float> scales_;
  Stored first_;
};

class Product {
 public:
  Product(Width width, int64_t rows, int64_t bytes)
      : rows_(rows),
        w_(width, bytes),
        x_(static_cast<size_t>(rows * kInputs), 0.5f),
        y_(static_cast<size_t>(rows * kOuts)) {}
  void run() {
    bench_team().run([&](const Rank& rank) {
      const Range part = share_of(kOuts, rank, kOutsGrain);
      for (int64_t copy = 0; copy < w_.copies(); ++copy) {
        kernels().multiply({.x = x_.data(),
                            .x_stride = kInputs,
                            .w = w_.matrix(copy),
                            .inputs = kInputs,
                            .y = y_.data(),
                            .y_stride = kOuts},
                           {0, rows_, part.begin, part.end});
        rank.barrier();
      }
    });
  }
  const Matrices& w() const { return w_; }

 private:
  int64_t rows_;
  Matrices w_;
  std::vector<float> x_, y_;
};

void stored(benchmark::State& state) {
  const auto width = static_cast<Width>(state.range(0));
  const int64_t rows = state.range(1);
  state.SetLabel(name_of(width));
  if (rows <= 8) {
    Product product(width, rows, kStoredBytes);
    against_bandwidth(state, product.w().matrix(0).data, product.w().bytes(),
                      [&] { product.run(); });
    return;
  }
  Product product(width, rows, 0), plain(Width::fp32, rows, 0);
  Least fp32, ours, limit;
  const double flops = 2.0 * static_cast<double>(kInputs * kOuts * rows);
  double limit_flops = 0;
  for (auto _ : state) {
    limit.measure([&] { limit_flops = multiply_add_all(std::min(flops, 2e9)); });
    fp32.measure([&] { plain.run(); });
    ours.measure([&] { product.run(); });
  }
  const double rate = flops / ours.seconds();
  state.counters["GFLOP/s"] = rate / 1e9;
  state.counters["share"] = rate / (limit_flops / limit.seconds());
  state.counters["fp32"] = fp32.seconds() / ours.seconds();
}

void widths(benchmark::internal::Benchmark* bench) {
  for (const int64_t rows : {1, 2, 4, 8, 64, 512})
    for (const Width width :
         {Width::fp32, Width::bf16, Width::int8, Width::int8_grouped, Width::int4})
      bench->Args({static_cast<int64_t>(width), rows});
  bench->ArgNames({"width", "M"})->Unit(benchmark::kMillisecond)->UseRealTime();
}
BENCHMARK(stored)->Apply(widths)->MinTime(0.2);

}  // namespace
}  // namespace crescent::kernels
