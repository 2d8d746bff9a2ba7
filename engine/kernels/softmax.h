#pragma once
// What attention of few and of many queries have in common: rows of keys and values of any width,
// and the softmax with a running maximum. Included by attention_kernel.cpp only; see simd.h.
#include "engine/kernels/kernels.h"
#include "engine/kernels/tile.h"
#include "engine/kernels/widen.h"

namespace crescent::kernels::CRESCENT_ISA {

constexpr int64_t kKeys = 64;  // of a block
constexpr float kInfinity = __builtin_inff();

struct Keys {
  int64_t begin, end;
};

/// What the query sees of all positions.
inline Keys keys_of(const Attention& job, int64_t query) {
  const int64_t end = job.first_position + query + 1;
  return {job.window > 0 && end > job.window ? end - job.window : 0, end};
}

inline Keys common(Keys a, Keys b) { return {greater_of(a.begin, b.begin), less_of(a.end, b.end)}; }

inline void scale_row(float* row, int64_t count, float factor) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(row + i, load(row + i) * factor);
  if (i < count) store_first(row + i, load_first(row + i, count - i) * factor, count - i);
}

/// Running maximum and sum of a query's softmax.
struct Running {
  float most, sum;
};

/// The new maximum. What was summed up so far is relative to it then.
inline void raise(float most, int64_t head_dim, Running& running, float* mixed) {
  if (!(most > running.most)) return;
  const float factor = exp_of(all(running.most - most))[0];
  scale_row(mixed, head_dim, factor);
  running = {most, running.sum * factor};
}

/// A block of which the query sees all keys: scores stay in registers.
CRESCENT_INLINE void soften_whole(const Attention& job, int64_t query, int64_t begin, float* scores,
                                  Running& running, float* mixed) {
  constexpr int kVectorsOfBlock = kKeys / kLanes;
  const Floats scale = all(job.scale), slope = all(job.slope);
  Floats distance = lane_numbers() + static_cast<float>(begin - job.first_position - query);
  Floats score[kVectorsOfBlock];
  for (int v = 0; v < kVectorsOfBlock; ++v, distance += float{kLanes})
    score[v] = fma(slope, distance, load(scores + v * kLanes) * scale);
  Floats greatest = all(running.most);
  for (int v = 0; v < kVectorsOfBlock; ++v) greatest = greater_of(score[v], greatest);
  raise(greatest_of(greatest), job.head_dim, running, mixed);
  Floats total{};
  for (int v = 0; v < kVectorsOfBlock; ++v) {
    const Floats p = exp_of(score[v] - running.most);
    store(scores + v * kLanes, p);
    total += p;
  }
  running.sum += sum_of(total);
}

/// Turns a query's scores of this block into probabilities relative to its maximum so far. Vectors
/// begin at multiples of kLanes of the block; what isn't seen becomes 0.
/// @param seen  in the block, not empty
inline void soften(const Attention& job, int64_t query, Keys seen, float* scores, Running& running,
                   float* mixed) {
  const int64_t begin = seen.begin / kKeys * kKeys;  // the position of scores[0]
  const int64_t first = seen.begin - begin, last = seen.end - begin;
  if (first == 0 && last == kKeys && !job.probabilities)
    return soften_whole(job, query, begin, scores, running, mixed);
  const int64_t vectors_begin = first / kLanes * kLanes;
  const int64_t vectors_end = (last + kLanes - 1) / kLanes * kLanes;
  for (int64_t i = vectors_begin; i < first; ++i) scores[i] = 0;
  for (int64_t i = last; i < vectors_end; ++i) scores[i] = 0;
  const Floats scale = all(job.scale), slope = all(job.slope);
  Floats distance =
      lane_numbers() + static_cast<float>(begin + vectors_begin - job.first_position - query);
  for (int64_t i = vectors_begin; i < vectors_end; i += kLanes, distance += float{kLanes})
    store(scores + i, fma(slope, distance, load(scores + i) * scale));
  for (int64_t i = vectors_begin; i < first; ++i) scores[i] = -kInfinity;
  for (int64_t i = last; i < vectors_end; ++i) scores[i] = -kInfinity;
  if (job.probabilities)
    for (int64_t i = first; i < last; ++i)
      job.probabilities[query * job.probabilities_stride + begin + i] = scores[i];

  Floats greatest = all(running.most);
  for (int64_t i = vectors_begin; i < vectors_end; i += kLanes)
    greatest = greater_of(load(scores + i), greatest);
  raise(greatest_of(greatest), job.head_dim, running, mixed);
  Floats total{};
  for (int64_t i = vectors_begin; i < vectors_end; i += kLanes) {
    const Floats p = exp_of(load(scores + i) - running.most);
    store(scores + i, p);
    total += p;
  }
  running.sum += sum_of(total);
}

/// A row of keys or values.
template <Width kWidth>
struct Row {
  const char* data;
  Floats scale;  // int8 only

  CRESCENT_INLINE Row(const Stored& rows, int64_t row)
      : data(static_cast<const char*>(rows.data) + row * rows.stride),
        scale(kWidth == Width::int8 ? all(rows.scales[row]) : Floats{}) {}

  /// The vector from column d on.
  CRESCENT_INLINE Floats at(int64_t d) const { return widened(data, d); }
  /// Its first lanes; the others are 0.
  CRESCENT_INLINE Floats first_at(int64_t d, int64_t lanes) const {
    if constexpr (kWidth == Width::fp32) {
      return load_first(reinterpret_cast<const float*>(data) + d, lanes);
    } else if constexpr (kWidth == Width::bf16) {
      return first_of<uint16_t>(d, lanes);
    } else {
      return first_of<int8_t>(d, lanes);
    }
  }

 private:
  template <class Number>
  CRESCENT_INLINE Floats first_of(int64_t d, int64_t lanes) const {
    Number some[kLanes] = {};
    const auto* const from = reinterpret_cast<const Number*>(data) + d;
    for (int64_t i = 0; i < lanes; ++i) some[i] = from[i];
    return widened(reinterpret_cast<const char*>(some), 0);
  }
  CRESCENT_INLINE Floats widened(const char* from, int64_t d) const {
    if constexpr (kWidth == Width::bf16) {
      return load_bf16(reinterpret_cast<const uint16_t*>(from) + d);
    } else if constexpr (kWidth == Width::int8) {
      return load_int8(reinterpret_cast<const int8_t*>(from) + d) * scale;
    } else {
      return load(reinterpret_cast<const float*>(from) + d);
    }
  }
};

inline void copy_row(const float* from, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) store(to + i, load(from + i));
  for (; i < count; ++i) to[i] = from[i];
}

inline void finish_row(const Attention& job, int64_t query, const Running& at, float* mixed) {
  scale_row(mixed, job.head_dim, 1 / at.sum);
  float* const y = job.y + query * job.y_stride;
  if (mixed != y) copy_row(mixed, job.head_dim, y);
  if (!job.probabilities) return;
  float* const row = job.probabilities + query * job.probabilities_stride;
  const Keys seen = keys_of(job, query);
  for (int64_t i = 0; i < seen.begin; ++i) row[i] = 0;
  for (int64_t i = seen.end; i < job.probabilities_width; ++i) row[i] = 0;
  for (int64_t i = seen.begin; i < seen.end; i += kLanes) {
    const int64_t lanes = less_of(kLanes, seen.end - i);
    if (lanes == kLanes) {
      store(row + i, exp_of(load(row + i) - at.most) / at.sum);
    } else {
      store_first(row + i, exp_of(load_first(row + i, lanes) - at.most) / at.sum, lanes);
    }
  }
}

}  // namespace crescent::kernels::CRESCENT_ISA
