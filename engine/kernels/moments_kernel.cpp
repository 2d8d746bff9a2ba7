// Activation statistics in one pass. Like probe_kernel.cpp, compiled once per instruction set and
// so without any function of the standard library.
#include "engine/kernels/moments.h"
#include "engine/kernels/vectors.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

/// Values summed in fp32 before they are added in fp64.
constexpr int64_t kBlock = 4096;

Floats load(const float* values) { return *reinterpret_cast<const FloatsInMemory*>(values); }
Floats absolute(Floats x) { return (Floats)((Ints)x & 0x7fffffff); }
Floats greater_of(Floats a, Floats b) { return a > b ? a : b; }

template <class Vector>
double sum_of(const Vector& x) {
  double sum = 0;
  for (int lane = 0; lane < kLanes; ++lane) sum += x[lane];
  return sum;
}

/// Counts are kept as negative numbers: a comparison gives -1 where it holds.
struct Sums {
  Floats sum{}, abs{}, squares{}, most{};
  Ints below{}, negative{};

  void add(Floats x, Floats threshold) {
    const Floats size = absolute(x);
    sum += x;
    abs += size;
    squares += x * x;
    most = greater_of(size, most);
    below += size < threshold;
    negative += x < 0.0f;
  }
  void give(Moments& to) const {
    to.sum += sum_of(sum);
    to.sum_abs += sum_of(abs);
    to.sum_squares += sum_of(squares);
    for (int lane = 0; lane < kLanes; ++lane)
      if (most[lane] > to.abs_max) to.abs_max = most[lane];
    to.below -= static_cast<int64_t>(sum_of(below));
    to.negative -= static_cast<int64_t>(sum_of(negative));
  }
};

Moments moments(const float* values, int64_t count, float threshold) {
  Moments result;
  result.count = count;
  const Floats limit = Floats{} + threshold;
  int64_t i = 0;
  while (count - i >= 2 * kLanes) {
    // Two chains hide the latency of the additions.
    Sums a, b;
    const int64_t end = count - i < kBlock ? count : i + kBlock;
    for (; i + 2 * kLanes <= end; i += 2 * kLanes) {
      a.add(load(values + i), limit);
      b.add(load(values + i + kLanes), limit);
    }
    a.give(result);
    b.give(result);
  }
  for (; i < count; ++i) {
    const float x = values[i], size = x < 0 ? -x : x;
    result.sum += x;
    result.sum_abs += size;
    result.sum_squares += double{x} * x;
    if (size > result.abs_max) result.abs_max = size;
    result.below += size < threshold;
    result.negative += x < 0;
  }
  return result;
}

/// ln x for x >= 0; a finite number for 0, which is multiplied by it. x = m 2^e with m in [1, 2),
/// and ln m = 2 artanh t for t = (m - 1) / (m + 1), whose series in t <= 1/3 is cut behind t^9.
Floats logarithm(Floats x) {
  const Ints bits = (Ints)x;
  const Floats exponent = __builtin_convertvector((bits >> 23) - 127, Floats);
  const Floats m = (Floats)((bits & 0x007fffff) | 0x3f800000);
  const Floats t = (m - 1.0f) / (m + 1.0f), t2 = t * t;
  const Floats series =
      1.0f + t2 * (1.0f / 3 + t2 * (1.0f / 5 + t2 * (1.0f / 7 + t2 * (1.0f / 9))));
  return exponent * 0.693147181f + 2.0f * t * series;
}

AttentionRow attention_row(const float* probabilities, int64_t count, float threshold) {
  AttentionRow result;
  const Floats limit = Floats{} + threshold;
  int64_t i = 0;
  while (count - i >= kLanes) {
    Floats sum{}, most{};
    Ints below{};
    const int64_t end = count - i < kBlock ? count : i + kBlock;
    for (; i + kLanes <= end; i += kLanes) {
      const Floats p = load(probabilities + i);
      sum += p * logarithm(p);
      most = greater_of(p, most);
      below += p < limit;
    }
    result.entropy_nats -= sum_of(sum);
    for (int lane = 0; lane < kLanes; ++lane)
      if (most[lane] > result.max) result.max = most[lane];
    result.below -= static_cast<int64_t>(sum_of(below));
  }
  if (i == count) return result;
  Floats rest{};  // what is left, with zeros behind it
  for (int lane = 0; i + lane < count; ++lane) rest[lane] = probabilities[i + lane];
  result.entropy_nats -= sum_of(rest * logarithm(rest));
  for (int lane = 0; i + lane < count; ++lane) {
    if (rest[lane] > result.max) result.max = rest[lane];
    result.below += rest[lane] < threshold;
  }
  return result;
}

}  // namespace

const MomentsKernel& moments_kernel();  // declared where it is called, in isa.cpp
const MomentsKernel& moments_kernel() {
  static constexpr MomentsKernel kKernel = {CRESCENT_TEXT(CRESCENT_ISA), moments, attention_row};
  return kKernel;
}

}  // namespace crescent::kernels::CRESCENT_ISA
