// The loops that find this machine's limits: how fast memory can be read, how many fused
// multiply-adds a core does. Compiled once per instruction set, with CRESCENT_ISA naming the
// namespace of the build.
//
// Nothing from the standard library but plain C types comes in here: an inline function compiled
// with -mavx512f could be the copy that the linker keeps for the whole program, and would then end
// it with an illegal instruction on a CPU without AVX-512. GCC's and clang's vector types need no
// functions at all.
#include "engine/kernels/probe.h"
#include "engine/kernels/vectors.h"

namespace crescent::kernels::CRESCENT_ISA {
namespace {

typedef uint64_t Words __attribute__((vector_size(kVectorBytes)));
typedef uint64_t WordsInMemory
    __attribute__((vector_size(kVectorBytes), aligned(1), may_alias));  // at any address

/// Four streams, a quarter of the data each. One stream alone is held back by the prefetcher, which
/// stops at each page: 256 MB were read at 23 GB/s by one stream, at 27 by four, and by no more
/// with eight or with prefetch instructions (Zen 3).
constexpr size_t kStreams = 4;
constexpr size_t kStep = 2 * kVectorBytes;  // bytes of a stream in one turn

/// Streams that lie a power of two apart meet in the same cache sets and memory banks: 1 GiB was
/// read at 19 GB/s with streams 256 MiB apart, at 30 with streams some pages less apart.
constexpr size_t kSkew = 5 * 4096 + 9 * 128;
constexpr size_t kSkewedFrom = size_t{1} << 20;  // bytes in a stream

uint64_t sum_of_words(const unsigned char* data, size_t bytes) {
  uint64_t sum = 0;
  size_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    uint64_t word;
    __builtin_memcpy(&word, data + i, 8);
    sum += word;
  }
  uint64_t last = 0;
  if (i < bytes) __builtin_memcpy(&last, data + i, bytes - i);
  return sum + last;
}

const WordsInMemory& at(const unsigned char* place) {
  return *reinterpret_cast<const WordsInMemory*>(place);
}

uint64_t read(const void* data, size_t bytes) {
  const auto* const begin = static_cast<const unsigned char*>(data);
  size_t stream = bytes / kStreams / kStep * kStep;  // bytes in one stream
  if (stream >= kSkewedFrom) stream -= kSkew / kStep * kStep;
  const unsigned char *a = begin, *b = a + stream, *c = b + stream, *d = c + stream;
  Words sum[2 * kStreams] = {};
  for (size_t i = 0; i < stream; i += kStep) {
    sum[0] += at(a + i), sum[1] += at(a + i + kVectorBytes);
    sum[2] += at(b + i), sum[3] += at(b + i + kVectorBytes);
    sum[4] += at(c + i), sum[5] += at(c + i + kVectorBytes);
    sum[6] += at(d + i), sum[7] += at(d + i + kVectorBytes);
  }
  size_t i = kStreams * stream;
  for (; i + kStep <= bytes; i += kStep)
    sum[0] += at(begin + i), sum[1] += at(begin + i + kVectorBytes);
  for (size_t s = 1; s < 2 * kStreams; ++s) sum[0] += sum[s];
  uint64_t total = sum_of_words(begin + i, bytes - i);
  for (size_t lane = 0; lane < kVectorBytes / 8; ++lane) total += sum[0][lane];
  return total;
}

double fma_fp32(int64_t rounds, float* sink) {
  // Two units with a latency of four or five cycles need eight to ten chains to be full; twelve
  // fit into the sixteen registers of AVX2 beside the two operands.
  constexpr int kChains = 12;
  const Floats factor = Floats{} + 0.5f;
  const Floats addend = Floats{} + (1.0f + 0 * *sink);  // not known to the compiler
  Floats x0 = addend, x1 = x0 + 1, x2 = x0 + 2, x3 = x0 + 3, x4 = x0 + 4, x5 = x0 + 5;
  Floats x6 = x0 + 6, x7 = x0 + 7, x8 = x0 + 8, x9 = x0 + 9, x10 = x0 + 10, x11 = x0 + 11;
  for (int64_t round = 0; round < rounds; ++round) {  // x runs towards 2: never denormal
    x0 = x0 * factor + addend, x1 = x1 * factor + addend, x2 = x2 * factor + addend;
    x3 = x3 * factor + addend, x4 = x4 * factor + addend, x5 = x5 * factor + addend;
    x6 = x6 * factor + addend, x7 = x7 * factor + addend, x8 = x8 * factor + addend;
    x9 = x9 * factor + addend, x10 = x10 * factor + addend, x11 = x11 * factor + addend;
  }
  const Floats all = ((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7)) + ((x8 + x9) + (x10 + x11));
  float total = 0;
  for (int lane = 0; lane < kLanes; ++lane) total += all[lane];
  *sink = total;
  return 2.0 * kChains * kLanes * static_cast<double>(rounds);
}

}  // namespace

const Probe& probe();  // declared where it is called, in isa.cpp
const Probe& probe() {
  static constexpr Probe kProbe = {CRESCENT_TEXT(CRESCENT_ISA), read, fma_fp32};
  return kProbe;
}

}  // namespace crescent::kernels::CRESCENT_ISA
