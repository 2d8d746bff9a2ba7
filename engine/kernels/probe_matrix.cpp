// The loops that find how many narrow multiply-adds a core does. Each function is compiled for its
// instruction set alone, by an attribute, so that this file needs no flags and may name all of
// them.
#include "engine/kernels/probe_matrix.h"

#ifdef __x86_64__
#  include <immintrin.h>
#  include <sys/syscall.h>
#  include <unistd.h>
#endif

#include <array>
#include <cerrno>
#include <cstring>

#include "engine/error.h"
#include "engine/kernels/tile_config.h"

namespace crescent::kernels {

#ifdef __x86_64__
namespace {

/// Sums that are kept at once: two units whose results come five cycles later are full with ten.
constexpr int kSums = 10;

double operations(int64_t rounds, int sums, int in_an_instruction) {
  return 2.0 * static_cast<double>(rounds) * sums * in_an_instruction;
}

template <class Lane, class... Vectors>
float some_of(const Vectors&... vectors) {
  float total = 0;
  const auto add = [&](const void* vector) {
    Lane lane;
    std::memcpy(&lane, vector, sizeof lane);
    total += static_cast<float>(lane);
  };
  (add(&vectors), ...);
  return total;
}

/// Int8 on AVX2: widened to 16 bits, products are summed by pairs into 32. That is exact, where
/// vpmaddubsw, which takes int8 as it is, saturates; both do 32 multiply-adds in two instructions.
__attribute__((target("avx2"))) inline __m256i plus_products(__m256i sum, __m256i& x, __m256i f) {
  __asm__("" : "+x"(x));  // as far as the compiler knows, another x than that of the last call
  return _mm256_add_epi32(sum, _mm256_madd_epi16(x, f));
}

__attribute__((target("avx2"))) double madd_int16(int64_t rounds, float* sink) {
  const int one = *sink == 0;  // not known to the compiler
  const __m256i f = _mm256_set1_epi16(3);
  __m256i x = f;
  __m256i x0 = _mm256_set1_epi32(one + 0), x1 = _mm256_set1_epi32(one + 1),
          x2 = _mm256_set1_epi32(one + 2), x3 = _mm256_set1_epi32(one + 3),
          x4 = _mm256_set1_epi32(one + 4), x5 = _mm256_set1_epi32(one + 5),
          x6 = _mm256_set1_epi32(one + 6), x7 = _mm256_set1_epi32(one + 7),
          x8 = _mm256_set1_epi32(one + 8), x9 = _mm256_set1_epi32(one + 9);
  for (int64_t round = 0; round < rounds; ++round) {
    x0 = plus_products(x0, x, f), x1 = plus_products(x1, x, f);
    x2 = plus_products(x2, x, f), x3 = plus_products(x3, x, f);
    x4 = plus_products(x4, x, f), x5 = plus_products(x5, x, f);
    x6 = plus_products(x6, x, f), x7 = plus_products(x7, x, f);
    x8 = plus_products(x8, x, f), x9 = plus_products(x9, x, f);
  }
  *sink = some_of<int32_t>(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9);
  return operations(rounds, kSums, 16);
}

__attribute__((target("avx2,avxvnni"))) double dpbusd_256(int64_t rounds, float* sink) {
  const int one = *sink == 0;  // not known to the compiler
  const __m256i f = _mm256_set1_epi8(3);
  __m256i x0 = _mm256_set1_epi32(one + 0), x1 = _mm256_set1_epi32(one + 1),
          x2 = _mm256_set1_epi32(one + 2), x3 = _mm256_set1_epi32(one + 3),
          x4 = _mm256_set1_epi32(one + 4), x5 = _mm256_set1_epi32(one + 5),
          x6 = _mm256_set1_epi32(one + 6), x7 = _mm256_set1_epi32(one + 7),
          x8 = _mm256_set1_epi32(one + 8), x9 = _mm256_set1_epi32(one + 9);
  for (int64_t round = 0; round < rounds; ++round) {
    x0 = _mm256_dpbusd_avx_epi32(x0, f, f), x1 = _mm256_dpbusd_avx_epi32(x1, f, f);
    x2 = _mm256_dpbusd_avx_epi32(x2, f, f), x3 = _mm256_dpbusd_avx_epi32(x3, f, f);
    x4 = _mm256_dpbusd_avx_epi32(x4, f, f), x5 = _mm256_dpbusd_avx_epi32(x5, f, f);
    x6 = _mm256_dpbusd_avx_epi32(x6, f, f), x7 = _mm256_dpbusd_avx_epi32(x7, f, f);
    x8 = _mm256_dpbusd_avx_epi32(x8, f, f), x9 = _mm256_dpbusd_avx_epi32(x9, f, f);
  }
  *sink = some_of<int32_t>(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9);
  return operations(rounds, kSums, 32);
}

__attribute__((target("avx512f,avx512vnni"))) double dpbusd_512(int64_t rounds, float* sink) {
  const int one = *sink == 0;  // not known to the compiler
  const __m512i f = _mm512_set1_epi8(3);
  __m512i x0 = _mm512_set1_epi32(one + 0), x1 = _mm512_set1_epi32(one + 1),
          x2 = _mm512_set1_epi32(one + 2), x3 = _mm512_set1_epi32(one + 3),
          x4 = _mm512_set1_epi32(one + 4), x5 = _mm512_set1_epi32(one + 5),
          x6 = _mm512_set1_epi32(one + 6), x7 = _mm512_set1_epi32(one + 7),
          x8 = _mm512_set1_epi32(one + 8), x9 = _mm512_set1_epi32(one + 9);
  for (int64_t round = 0; round < rounds; ++round) {
    x0 = _mm512_dpbusd_epi32(x0, f, f), x1 = _mm512_dpbusd_epi32(x1, f, f);
    x2 = _mm512_dpbusd_epi32(x2, f, f), x3 = _mm512_dpbusd_epi32(x3, f, f);
    x4 = _mm512_dpbusd_epi32(x4, f, f), x5 = _mm512_dpbusd_epi32(x5, f, f);
    x6 = _mm512_dpbusd_epi32(x6, f, f), x7 = _mm512_dpbusd_epi32(x7, f, f);
    x8 = _mm512_dpbusd_epi32(x8, f, f), x9 = _mm512_dpbusd_epi32(x9, f, f);
  }
  *sink = some_of<int32_t>(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9);
  return operations(rounds, kSums, 64);
}

__attribute__((target("avx512f,avx512bf16"))) double dpbf16_512(int64_t rounds, float* sink) {
  const float one = *sink == 0 ? 1.0f : 2.0f;
  const __m512bh f = _mm512_cvtne2ps_pbh(_mm512_set1_ps(0.125f), _mm512_set1_ps(0.125f));
  __m512 x0 = _mm512_set1_ps(one + 0), x1 = _mm512_set1_ps(one + 1), x2 = _mm512_set1_ps(one + 2),
         x3 = _mm512_set1_ps(one + 3), x4 = _mm512_set1_ps(one + 4), x5 = _mm512_set1_ps(one + 5),
         x6 = _mm512_set1_ps(one + 6), x7 = _mm512_set1_ps(one + 7), x8 = _mm512_set1_ps(one + 8),
         x9 = _mm512_set1_ps(one + 9);
  for (int64_t round = 0; round < rounds; ++round) {
    x0 = _mm512_dpbf16_ps(x0, f, f), x1 = _mm512_dpbf16_ps(x1, f, f);
    x2 = _mm512_dpbf16_ps(x2, f, f), x3 = _mm512_dpbf16_ps(x3, f, f);
    x4 = _mm512_dpbf16_ps(x4, f, f), x5 = _mm512_dpbf16_ps(x5, f, f);
    x6 = _mm512_dpbf16_ps(x6, f, f), x7 = _mm512_dpbf16_ps(x7, f, f);
    x8 = _mm512_dpbf16_ps(x8, f, f), x9 = _mm512_dpbf16_ps(x9, f, f);
  }
  *sink = some_of<float>(x0, x1, x2, x3, x4, x5, x6, x7, x8, x9);
  return operations(rounds, kSums, 32);
}

struct alignas(64) Tile {
  unsigned char bytes[16 * 64] = {};
};
constexpr int kTileSums = 6;  // of eight tiles; the other two are operands

__attribute__((target("amx-tile,amx-bf16"))) double tile_bf16(int64_t rounds, float* sink) {
  const TileConfig config;
  Tile tile;
  _tile_loadconfig(&config);
  _tile_loadd(6, tile.bytes, 64);
  _tile_loadd(7, tile.bytes, 64);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (int64_t round = 0; round < rounds; ++round) {
    _tile_dpbf16ps(0, 6, 7);
    _tile_dpbf16ps(1, 6, 7);
    _tile_dpbf16ps(2, 6, 7);
    _tile_dpbf16ps(3, 6, 7);
    _tile_dpbf16ps(4, 6, 7);
    _tile_dpbf16ps(5, 6, 7);
  }
  _tile_stored(0, tile.bytes, 64);
  _tile_release();
  *sink = some_of<float>(tile);
  return operations(rounds, kTileSums, 16 * 16 * 32);
}

__attribute__((target("amx-tile,amx-int8"))) double tile_int8(int64_t rounds, float* sink) {
  const TileConfig config;
  Tile tile;
  _tile_loadconfig(&config);
  _tile_loadd(6, tile.bytes, 64);
  _tile_loadd(7, tile.bytes, 64);
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  _tile_zero(4);
  _tile_zero(5);
  for (int64_t round = 0; round < rounds; ++round) {
    _tile_dpbssd(0, 6, 7);
    _tile_dpbssd(1, 6, 7);
    _tile_dpbssd(2, 6, 7);
    _tile_dpbssd(3, 6, 7);
    _tile_dpbssd(4, 6, 7);
    _tile_dpbssd(5, 6, 7);
  }
  _tile_stored(0, tile.bytes, 64);
  _tile_release();
  *sink = some_of<float>(tile);
  return operations(rounds, kTileSums, 16 * 16 * 64);
}

constexpr std::array kProbes = {
    MatrixProbe{MatrixNumbers::bf16, "tdpbf16ps", "amx_bf16", Isa::amx, true, tile_bf16},
    MatrixProbe{MatrixNumbers::bf16, "vdpbf16ps", "avx512_bf16", Isa::avx512, false, dpbf16_512},
    MatrixProbe{MatrixNumbers::int8, "tdpbssd", "amx_int8", Isa::amx, true, tile_int8},
    MatrixProbe{MatrixNumbers::int8, "vpdpbusd", "avx512_vnni", Isa::avx512, false, dpbusd_512},
    MatrixProbe{MatrixNumbers::int8, "vpdpbusd", "avx_vnni", Isa::avx2, false, dpbusd_256},
    MatrixProbe{MatrixNumbers::int8, "vpmaddwd", "avx2", Isa::avx2, false, madd_int16},
};

}  // namespace

std::span<const MatrixProbe> matrix_probes() { return kProbes; }

void allow_tiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // asm/prctl.h, Linux 5.16 and later
  if (syscall(SYS_arch_prctl, kRequestPermission, kTileData) != 0)
    fail("AMX: the kernel gives this process no tile registers: {}", std::strerror(errno));
}

#else

std::span<const MatrixProbe> matrix_probes() { return {}; }

void allow_tiles() { fail("AMX: only on x86-64"); }

#endif

}  // namespace crescent::kernels
