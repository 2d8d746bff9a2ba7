// What is done to each row by itself: norms, rotary positions, embeddings, a transposition; and the
// table of all kernels. Compiled once per instruction set.
#include "engine/kernels/parts.h"
#include "engine/kernels/simd.h"
#include "engine/kernels/widen.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

float root_of(float x) { return __builtin_sqrtf(x); }

/// Sum over a row of of(x), in four chains of vectors.
template <class Of>
float row_sum(const float* x, int64_t count, Of of) {
  Floats sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= count; i += 4 * kLanes)
    for (int chain = 0; chain < 4; ++chain) sum[chain] += of(load(x + i + chain * kLanes));
  for (; i + kLanes <= count; i += kLanes) sum[0] += of(load(x + i));
  float rest = 0;
  for (; i < count; ++i) rest += of(all(x[i]))[0];
  return sum_of((sum[0] + sum[1]) + (sum[2] + sum[3])) + rest;
}

/// to[i] = of(x[i], i) in vectors; `of` gets how many lanes count.
template <class Of>
void each_vector(int64_t count, Of of) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) of(i, int64_t{kLanes});
  if (i < count) of(i, count - i);
}

/// y = (x - mean) * scale * weight + bias
void scale_row(const Norm& norm, const float* x, float mean, float scale, float* y) {
  each_vector(norm.width, [&](int64_t i, int64_t lanes) {
    Floats value = (load_some(x + i, lanes) - mean) * scale;
    if (norm.weight) value *= load_some(norm.weight + i, lanes);
    if (norm.bias) value += load_some(norm.bias + i, lanes);
    store_some(y + i, value, lanes);
  });
}

/// Four rows of four.
void transpose_four(const float* from, int64_t from_stride, float* to, int64_t to_stride) {
  const Four a = load_four(from), b = load_four(from + from_stride);
  const Four c = load_four(from + 2 * from_stride), d = load_four(from + 3 * from_stride);
  const Four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Four ab_behind = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Four cd_behind = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store_four(to, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
  store_four(to + to_stride, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
  store_four(to + 2 * to_stride, __builtin_shufflevector(ab_behind, cd_behind, 0, 1, 4, 5));
  store_four(to + 3 * to_stride, __builtin_shufflevector(ab_behind, cd_behind, 2, 3, 6, 7));
}

/// `count` inputs of a row, from `k` on, a multiple of kInputsBlock. @return  where they are
const float* floats_of_row(const Stored& w, int64_t row, int64_t inputs, int64_t k, int64_t count,
                           float* buffer) {
  if (w.width == Width::fp32) return static_cast<const float*>(from_row(w, row).data) + k;
  with_width(w.width, [&]<Width kWidth>() { widen<kWidth>(w, row, inputs, k, count, buffer); });
  return buffer;
}

}  // namespace

void layer_norm(const Norm& norm, Rows rows) {
  const auto width = static_cast<float>(norm.width);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const float* const x = norm.x + row * norm.x_stride;
    const float mean = row_sum(x, norm.width, [](Floats v) { return v; }) / width;
    const float squares =
        row_sum(x, norm.width, [mean](Floats v) { return (v - mean) * (v - mean); });
    scale_row(norm, x, mean, 1 / root_of(squares / width + norm.eps), norm.y + row * norm.y_stride);
  }
}

void rms_norm(const Norm& norm, Rows rows) {
  const auto width = static_cast<float>(norm.width);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const float* const x = norm.x + row * norm.x_stride;
    const float squares = row_sum(x, norm.width, [](Floats v) { return v * v; });
    scale_row(norm, x, 0, 1 / root_of(squares / width + norm.eps), norm.y + row * norm.y_stride);
  }
}

void rotate(const Rotate& job) {
  for (int64_t head = 0; head < job.heads; ++head) {
    const float* const x = job.x + head * job.x_stride;
    float* const y = job.y + head * job.y_stride;
    each_vector(job.pairs, [&](int64_t i, int64_t lanes) {
      const Floats cos = load_some(job.cos + i, lanes), sin = load_some(job.sin + i, lanes);
      const Floats first = load_some(x + i, lanes);
      const Floats second = load_some(x + job.pairs + i, lanes);
      store_some(y + i, first * cos - second * sin, lanes);
      store_some(y + job.pairs + i, second * cos + first * sin, lanes);
    });
    if (x != y)
      for (int64_t i = 2 * job.pairs; i < job.head_dim; ++i) y[i] = x[i];
  }
}

void embed(const Embed& job, Rows rows) {
  alignas(64) float buffer[kInputsBlock];
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t id = job.ids[row];
    for (int64_t k = 0; k < job.width; k += kInputsBlock) {
      const int64_t count = k + kInputsBlock < job.width ? kInputsBlock : job.width - k;
      const float* const token = floats_of_row(job.tokens, id, job.width, k, count, buffer);
      const float* const position =
          job.positions ? job.positions + job.position_of[row] * job.positions_stride + k : nullptr;
      float* const y = job.y + row * job.y_stride + k;
      each_vector(count, [&](int64_t i, int64_t lanes) {
        Floats value = load_some(token + i, lanes);
        if (job.tokens.scales) value *= job.tokens.scales[id];
        if (position) value += load_some(position + i, lanes);
        store_some(y + i, value, lanes);
      });
    }
  }
}

void transpose(const Transpose& job, Rows columns) {
  // Squares of a cache line a side. Inside of one, four lines of `from` are used up before the next
  // four: rows that lie a multiple of 4 KiB apart share a set of the first cache.
  constexpr int64_t kSide = 16;
  for (int64_t c0 = columns.begin; c0 < columns.end; c0 += kSide) {
    const int64_t c1 = c0 + kSide < columns.end ? c0 + kSide : columns.end;
    for (int64_t r = 0; r < job.rows; r += 4) {
      const int64_t r1 = r + 4 < job.rows ? r + 4 : job.rows;
      int64_t c = c0;
      if (r1 - r == 4)
        for (; c + 4 <= c1; c += 4)
          transpose_four(job.from + r * job.from_stride + c, job.from_stride,
                         job.to + c * job.to_stride + r, job.to_stride);
      for (; c < c1; ++c)
        for (int64_t row = r; row < r1; ++row)
          job.to[c * job.to_stride + row] = job.from[row * job.from_stride + c];
    }
  }
}

const Kernels& kernels();  // declared where it is called, in isa.cpp
const Kernels& kernels() {
  static constexpr Kernels kKernels = {CRESCENT_TEXT(CRESCENT_ISA),
                                       multiply_few,
                                       multiply_many,
                                       layer_norm,
                                       rms_norm,
                                       rotate,
                                       embed,
                                       attend,
                                       quantize,
                                       transpose};
  return kKernels;
}

}  // namespace crescent::kernels::CRESCENT_ISA
